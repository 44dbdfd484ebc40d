"""Result files of the DensePose challenges: one record a detection, its IUV as a PNG in text.

A record holds ``image_id``, ``category_id``, ``bbox`` (x, y, w, h), ``score``, ``uv_shape``
(3, h, w) and ``uv_data``: base64 of a PNG of h x w pixels, red = I, green = U, blue = V.
"""
import base64
import binascii
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from ktn_mm.evaluation.detection import Detection, measure
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.picture import picture_size

RECORD_KEYS = ('image_id', 'bbox', 'score', 'uv_shape', 'uv_data')


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


def read_picture(record: Mapping) -> np.ndarray:
    """Return the (3, h, w) uint8 picture of a record.

    Raises:
        ValueError: if it is no PNG or not of ``uv_shape``.
    """
    try:
        stream = io.BytesIO(base64.b64decode(record['uv_data'], validate=True))
        picture = np.asarray(PilImage.open(stream).convert('RGB')).transpose(2, 0, 1)
    except (binascii.Error, OSError, TypeError) as error:
        raise ValueError(f'image {record["image_id"]}: uv_data holds no PNG: {error}') from error
    if list(picture.shape) != list(record['uv_shape']):
        raise ValueError(f'image {record["image_id"]}: uv_data is {picture.shape}, uv_shape '
                         f'says {record["uv_shape"]}')
    return picture


def write_results(records: Iterable[dict], path: str | Path) -> None:
    """Write records to a JSON file, making its folder."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(records)), encoding='utf-8')


def read_results(path: str | Path, ground_truth: GroundTruth) -> list[Detection]:
    """Read a result file for evaluation, one picture in memory at a time.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file or a record is malformed, or an image is not annotated.
    """
    try:
        with open(path, encoding='utf-8') as file:
            records = json.load(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'result file {path} does not exist') from error
    except ValueError as error:
        raise ValueError(f'result file {path} is no JSON: {error}') from error
    detections = []
    for number, record in enumerate(records):
        missing = [k for k in RECORD_KEYS if k not in record]
        if missing:
            raise ValueError(f'{path}: record {number} has no {", ".join(missing)}')
        image = ground_truth.images.get(record['image_id'])
        if image is None:
            raise ValueError(f'{path}: record {number}: image_id {record["image_id"]} is not in '
                             f'{ground_truth.source}')
        box = np.asarray(record['bbox'], np.float64)
        if tuple(record['uv_shape']) != (3, *picture_size(box)):
            raise ValueError(f'{path}: record {number}: uv_shape {record["uv_shape"]} does not '
                             f'fit bbox {record["bbox"]}')
        detections.append(measure(read_picture(record), box, record['score'], ground_truth,
                                  image.id, (number,)))
    return detections
