"""Judge what one person is annotated with for training. Pure functions, no framework."""
import zlib

import numpy as np

from ktn_mm.structures.dense_annotation import (
    FRAME,
    POINT_TOLERANCE,
    AnnotationError,
    read_point_table,
    require,
    short,
)
from ktn_mm.surface.charts import NUM_SURFACES

UV_TOLERANCE = 1e-3
"""How far U and V may exceed [0, 1]; they are clipped."""


def read_points(ann: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the annotated points of a person.

    Returns:
        points (P, 2) float64 in the frame of the box, surfaces (P,) int64 in 1..24,
        uv (P, 2) float32 in [0, 1]; P = 0 if the person has none of these fields.

    Raises:
        AnnotationError: if a field is missing, is no list of numbers, has another length than
            the others, or holds a value out of range.
    """
    table = read_point_table(ann)
    if table is None:
        return np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros((0, 2), np.float32)
    x, y, surface, u, v = table.T
    for values, field, high, slack in (
            (x, 'dp_x', FRAME, POINT_TOLERANCE), (y, 'dp_y', FRAME, POINT_TOLERANCE),
            (u, 'dp_U', 1, UV_TOLERANCE), (v, 'dp_V', 1, UV_TOLERANCE)):
        require(values, field, f'not in [0, {high}]',
                (values >= -slack) & (values <= high + slack))
    require(surface, 'dp_I', f'not one of the surfaces 1..{NUM_SURFACES}',
            (surface >= 1) & (surface <= NUM_SURFACES) & (surface == np.round(surface)))
    return table[:, :2], surface.astype(np.int64), table[:, 3:].clip(0, 1).astype(np.float32)


def choose_points(count: int, share: float, key: int | str) -> np.ndarray:
    """Choose a share of a person's points.

    The choice hangs on the key alone, and a smaller share is a subset of a larger one.

    Args:
        count: P, how many points the person has.
        share: in (0, 1]; rounded to whole points, at least one.
        key: of the annotation, its id.

    Returns:
        Indices of the chosen points, rising.
    """
    kept = max(1, round(count * share))
    seed = zlib.crc32(str(key).encode())
    return np.sort(np.random.default_rng(seed).permutation(count)[:kept])


def check_box(ann: dict, width: int, height: int) -> np.ndarray:
    """Return the box (x, y, w, h) float64 of an annotation, and that it shows a person.

    Raises:
        AnnotationError: if it is no box, has no area, or none inside the image.
    """
    try:
        box = np.asarray(ann['bbox'], np.float64)
    except KeyError:
        raise AnnotationError('no box', 'bbox') from None
    except (TypeError, ValueError):
        box = np.zeros(0)
    said = f'bbox = {short(ann["bbox"])}'
    if box.shape != (4,) or not np.isfinite(box).all():
        raise AnnotationError('not four finite numbers', said)
    if min(box[2:]) <= 0:
        raise AnnotationError('box without area', said)
    corners = clip_box(box, width, height)
    if (corners[2:] <= corners[:2]).any():
        raise AnnotationError('box outside the image', f'{said} in {width} x {height}')
    return box


def clip_box(box: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the corners (x1, y1, x2, y2) of a box (x, y, w, h), clipped to the image.

    Edges count, not pixel indices: a box may end at ``width`` and ``height``.
    """
    corners = np.concatenate([box[:2], box[:2] + box[2:]])
    return corners.clip(0, [width, height, width, height])


def check_keypoints(ann: dict, count: int) -> list[float]:
    """Return the keypoints of an annotation, zeros if it has none, checked for their number."""
    values = ann.get('keypoints')
    if not values:
        return [0.] * (3 * count)
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.shape != (3 * count,) or not np.isfinite(array).all():
        raise AnnotationError(f'not {3 * count} finite numbers', f'keypoints = {short(values)}')
    return values
