"""What every evaluation needs of an annotation file and computes once: vertices and masks."""
import hashlib
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ktn_mm.cache import cache_folder, keep
from ktn_mm.evaluation.gps import Surface
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.masks import person_mask

logger = logging.getLogger(__name__)

FORMAT = 2
"""To be raised when what is kept, or the way it is computed, changes."""


class PreparedTruth(NamedTuple):
    """Annotated persons, ready to be compared with.

    Attributes:
        vertices: image id -> (P,) int64 vertices of the points of all its persons.
        masks: image id -> G masks, RLEs of the image's size.
    """

    vertices: Mapping[int, np.ndarray]
    masks: Mapping[int, list[dict]]


def prepare(ground_truth: GroundTruth, surface: Surface) -> PreparedTruth:
    """Find the vertices of all points and the masks of all persons.

    For an annotation that was loaded from a file, and a surface that has a ``fingerprint``, the
    result is kept in the user's cache folder (:func:`ktn_mm.cache.cache_folder`), under a name
    made from both and from the protocol.
    """
    fingerprint = getattr(surface, 'fingerprint', None)
    if ground_truth.digest is None or fingerprint is None:
        return _prepare(ground_truth, surface)
    words = f'{FORMAT} {ground_truth.digest} {fingerprint} {ground_truth.compat}'
    name = f'annotation_{hashlib.sha256(words.encode()).hexdigest()[:16]}.npz'
    path = cache_folder() / name
    prepared = _read(path, ground_truth)
    if prepared is None:
        prepared = _prepare(ground_truth, surface)
        keep(path, lambda file: np.savez(file, **_to_arrays(prepared)), 'the prepared annotation')
    return prepared


def _prepare(ground_truth: GroundTruth, surface: Surface) -> PreparedTruth:
    points = [ground_truth.points(i) for i in ground_truth.images]
    vertices = surface.nearest_vertex(np.concatenate([p.surfaces for p in points]),
                                      np.concatenate([p.uv for p in points]))
    masks = {i: [person_mask(p, image, truncates=ground_truth.rules.truncates)
                 for p in ground_truth.persons[i]] for i, image in ground_truth.images.items()}
    return PreparedTruth(_by_image(ground_truth, vertices), masks)


def _by_image(ground_truth: GroundTruth, vertices: np.ndarray) -> dict[int, np.ndarray]:
    ends = np.cumsum([len(ground_truth.points(i).surfaces) for i in ground_truth.images])
    return dict(zip(ground_truth.images, np.split(vertices, ends[:-1]), strict=True))


def _to_arrays(prepared: PreparedTruth) -> dict[str, np.ndarray]:
    """Lay a result out as arrays without objects: masks as one text and where each ends."""
    texts = [mask['counts'] for masks in prepared.masks.values() for mask in masks]
    texts = [t.encode('ascii') if isinstance(t, str) else t for t in texts]
    return dict(vertices=np.concatenate(list(prepared.vertices.values())),
                masks=np.frombuffer(b''.join(texts), np.uint8),
                mask_ends=np.cumsum([len(t) for t in texts], dtype=np.int64))


def _read(path: Path, ground_truth: GroundTruth) -> PreparedTruth | None:
    """Return what was kept; None if nothing was, or nothing that can be read."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            vertices, text, ends = file['vertices'], file['masks'].tobytes(), file['mask_ends']
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        logger.warning('%s cannot be read (%s); computing it again', path, error)
        return None
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    places = iter(zip(starts.tolist(), ends.tolist(), strict=True))
    masks = {}
    for image_id, image in ground_truth.images.items():
        size = [image.height, image.width]
        masks[image_id] = []
        for _ in ground_truth.persons[image_id]:
            start, end = next(places)
            masks[image_id].append(dict(size=size, counts=text[start:end]))
    return PreparedTruth(_by_image(ground_truth, vertices), masks)
