"""Result files of the DensePose challenges: one record a detection, its IUV as a PNG in text.

A record holds ``image_id``, ``category_id``, ``bbox`` (x, y, w, h), ``score``, ``uv_shape``
(3, h, w) and ``uv_data``: base64 of a PNG of h x w pixels, red = I, green = U, blue = V, where
h, w = int(bbox[3]), int(bbox[2]), at least 1.
"""
import base64
import io
import json
import math
import reprlib
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage
from PIL import UnidentifiedImageError

from ktn_mm.cache import whole_or_nothing
from ktn_mm.evaluation.detection import Detection, measure
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.picture import MAX_PIXELS, picture_size
from ktn_mm.surface.charts import NUM_SURFACES

RECORD_KEYS = ('image_id', 'bbox', 'score', 'uv_shape', 'uv_data')
MAX_COORDINATE = 1 << 31
PNG_START = b'\x89PNG\r\n\x1a\n'
RED_GREEN_BLUE, PALETTE = (2, 6), 3
"""Colour types of PNG; 6 has transparency, which does not matter here."""


class BadRecordError(ValueError):
    """A record that cannot be used.

    Args:
        reason: what kind of fault, in few words that many records share.
        detail: what is wrong with this one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f'{reason}: {detail}')
        self.reason, self.detail = reason, detail


def to_record(picture: np.ndarray, box: np.ndarray, score: float, image_id: int,
              category_id: int = 1) -> dict:
    """Return the record of one detection.

    Args:
        picture: (3, h, w) uint8 I, U, V over the box.
        box: (4,) x, y, w, h.
        score: confidence.
        image_id, category_id: of the annotation file.
    """
    stream = io.BytesIO()
    PilImage.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))).save(stream, 'PNG')
    return dict(
        image_id=int(image_id), category_id=int(category_id),
        bbox=[float(v) for v in box], score=float(score),
        uv_shape=[int(n) for n in picture.shape],
        uv_data=base64.b64encode(stream.getvalue()).decode('ascii'))


def write_results(records: Iterable[dict], path: str | Path) -> None:
    """Write records to a JSON file, one a line, making its folder.

    The file appears when it is complete.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_or_nothing(path) as file:
        between = b'[\n'
        for record in records:
            file.write(between + json.dumps(record).encode())
            between = b',\n'
        file.write(b'[]\n' if between == b'[\n' else b'\n]\n')


def read_record(record: Any, ground_truth: GroundTruth, key: tuple = (), *,
                filled: bool = False, parts: bool = False) -> Detection:
    """Check a record, decode its picture and keep what evaluation needs.

    Args:
        record: an entry of a result file, of whatever type.
        ground_truth: the annotation.
        key: see :class:`~ktn_mm.evaluation.detection.Detection`.
        filled, parts: see :func:`~ktn_mm.evaluation.detection.measure`.

    Raises:
        BadRecordError: with the reason.
    """
    if not isinstance(record, Mapping):
        raise BadRecordError('no record', f'an entry must be an object, got {_short(record)}')
    missing = [k for k in RECORD_KEYS if k not in record]
    if missing:
        raise BadRecordError('missing field', f'the record has no {", ".join(missing)}')
    image_id = record['image_id']
    known = isinstance(image_id, int | float | str) and not isinstance(image_id, bool)
    image = ground_truth.images.get(image_id) if known else None
    if image is None:
        raise BadRecordError('unknown image', f'image_id {_short(image_id)} is not in '
                                              f'{ground_truth.source}')
    category = record.get('category_id', ground_truth.category_id)
    if category != ground_truth.category_id:
        raise BadRecordError('other category', f'category_id is {_short(category)}, persons have '
                                               f'{ground_truth.category_id}')
    if not _is_number(record['score']):
        raise BadRecordError('bad score', 'score must be a finite number, got '
                                          f'{_short(record["score"])}')
    box = _read_box(record['bbox'])
    height, width = picture_size(box)
    shape = record['uv_shape']
    if not isinstance(shape, list | tuple) or list(shape) != [3, height, width]:
        raise BadRecordError('wrong uv_shape', f'bbox {_short(record["bbox"])} needs uv_shape '
                                               f'{[3, height, width]}, got {_short(shape)}')
    picture = read_picture(record)
    return measure(picture, box, float(record['score']), ground_truth, image.id, key,
                   filled=filled, parts=parts)


def read_picture(record: Mapping) -> np.ndarray:
    """Return the (3, h, w) uint8 picture of a record.

    Its header is compared with ``uv_shape`` before anything is decompressed.

    Raises:
        BadRecordError: if ``uv_data`` is no PNG of ``uv_shape`` with 8 bits a channel, or I
            exceeds 24.
    """
    text = record['uv_data']
    if not isinstance(text, str):
        raise BadRecordError('uv_data no PNG', f'uv_data must be text, got {_short(text)}')
    try:
        # Text in lines is allowed: the challenge's own encoder writes it.
        data = base64.b64decode(''.join(text.split()), validate=True)
    except ValueError as error:
        raise BadRecordError('uv_data no PNG', f'uv_data is not base64: {error}') from error
    if not data.startswith(PNG_START) or data[12:16] != b'IHDR' or len(data) < 26:
        raise BadRecordError('uv_data no PNG', f'uv_data starts with {data[:8]!r}')
    width, height, depth, colours = struct.unpack('>IIBB', data[16:26])
    if [3, height, width] != list(record['uv_shape']):
        raise BadRecordError('picture of another size', f'the PNG is {[3, height, width]}, '
                                                        f'uv_shape says {record["uv_shape"]}')
    if colours != PALETTE and (colours not in RED_GREEN_BLUE or depth != 8):
        raise BadRecordError('PNG of another kind', 'the PNG must have red, green, blue of 8 bit, '
                             f'it has colour type {colours} and {depth} bit')
    try:
        with PilImage.open(io.BytesIO(data), formats=['PNG']) as image:
            picture = np.asarray(image.convert('RGB')).transpose(2, 0, 1)
    except UnidentifiedImageError as error:  # its own words name an address in memory
        raise BadRecordError('uv_data no PNG', 'uv_data has a broken header') from error
    except (OSError, SyntaxError, ValueError) as error:
        raise BadRecordError('uv_data no PNG', f'uv_data cannot be decoded: {error}') from error
    if picture[0].max() > NUM_SURFACES:
        raise BadRecordError('I above 24', f'I goes up to {picture[0].max()}; red must be I, '
                                           'green U, blue V (OpenCV writes blue first)')
    return picture


def _read_box(bbox: Any) -> np.ndarray:
    """Return a record's ``bbox`` as (4,) float64."""
    if (not isinstance(bbox, list | tuple) or len(bbox) != 4
            or not all(_is_number(v) and abs(v) < MAX_COORDINATE for v in bbox)):
        raise BadRecordError('bad bbox', f'bbox must be four finite numbers, got {_short(bbox)}')
    box = np.array(bbox, np.float64)
    if (box[2:] < 0).any():
        raise BadRecordError('bad bbox', 'bbox x, y, w, h has a negative size: '
                                         f'{_short(bbox)}')
    if math.prod(picture_size(box)) > MAX_PIXELS:
        raise BadRecordError('bad bbox', f'bbox {_short(bbox)} has more than {MAX_PIXELS} pixels')
    return box


def _is_number(value: Any) -> bool:
    """Say whether a value of a JSON file is a number and float64 can hold it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _short(value: Any) -> str:
    """Return a value as text that fits into a message of one line."""
    return reprlib.repr(value)
