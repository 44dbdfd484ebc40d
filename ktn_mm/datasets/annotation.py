"""Read and judge the ``dp_*`` entries of one person. Pure functions, no framework."""
import zlib

import numpy as np

from ktn_mm.surface.charts import NUM_PARTS, NUM_SURFACES

FRAME = 256
"""Extent of the frame of a box in which ``dp_x``, ``dp_y`` and ``dp_masks`` are given."""
POINT_TOLERANCE = 1.
"""How far, in units of the frame, a point may lie beyond its box."""
UV_TOLERANCE = 1e-3
"""How far U and V may exceed [0, 1]; they are clipped."""
POINT_FIELDS = ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V')


class AnnotationError(ValueError):
    """Something is wrong in one annotation.

    Args:
        reason: the kind of fault, in words that many annotations can share.
        detail: the field and the value of this one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f'{detail}: {reason}')
        self.reason = reason
        self.detail = detail

    def __reduce__(self):
        return type(self), (self.reason, self.detail)


def is_dense(ann: dict) -> bool:
    """Return whether an annotation claims to have points or part masks."""
    return any(ann.get(field) is not None for field in (*POINT_FIELDS, 'dp_masks'))


def read_points(ann: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the annotated points of a person.

    Returns:
        points (P, 2) float64 in the frame of the box, surfaces (P,) int64 in 1..24,
        uv (P, 2) float32 in [0, 1]; P = 0 if the person has none of these fields.

    Raises:
        AnnotationError: if a field is missing, is no list of numbers, has another length than
            the others, or holds a value out of range.
    """
    present = [f for f in POINT_FIELDS if ann.get(f) is not None]
    if not present:
        return np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros((0, 2), np.float32)
    values = {}
    for field in POINT_FIELDS:
        if field not in present:
            raise AnnotationError('field of the points is missing', f'{field} (has {present})')
        try:
            # A single point is sometimes written as a number.
            values[field] = np.atleast_1d(np.asarray(ann[field], np.float64))
        except (TypeError, ValueError):
            raise AnnotationError('not a list of numbers',
                                  f'{field} = {_short(ann[field])}') from None
        if values[field].ndim != 1:
            raise AnnotationError('not a list of numbers', f'{field} = {_short(ann[field])}')
    lengths = {field: len(value) for field, value in values.items()}
    if len(set(lengths.values())) > 1:
        raise AnnotationError('lists of points differ in length', str(lengths))
    for field, low, high, slack in (
            ('dp_x', 0, FRAME, POINT_TOLERANCE), ('dp_y', 0, FRAME, POINT_TOLERANCE),
            ('dp_U', 0, 1, UV_TOLERANCE), ('dp_V', 0, 1, UV_TOLERANCE)):
        _require(values[field], field, f'not in [{low}, {high}]',
                 (values[field] >= low - slack) & (values[field] <= high + slack))
    surface = values['dp_I']
    _require(surface, 'dp_I', f'not one of the surfaces 1..{NUM_SURFACES}',
             (surface >= 1) & (surface <= NUM_SURFACES) & (surface == np.round(surface)))
    uv = np.column_stack([values['dp_U'], values['dp_V']]).clip(0, 1).astype(np.float32)
    return np.column_stack([values['dp_x'], values['dp_y']]), surface.astype(np.int64), uv


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


def read_masks(ann: dict) -> list | dict | None:
    """Check the form of ``dp_masks``, without decoding.

    Returns:
        None if no mask is there, one RLE (the whole body), or a list of 14 entries, each an RLE or
        empty.

    Raises:
        AnnotationError: if it has another form, or an RLE another size than 256 x 256.
    """
    masks = ann.get('dp_masks')
    if masks is None:
        return None
    if isinstance(masks, dict):
        _check_rle(masks, 'dp_masks')
        return masks
    if not isinstance(masks, (list, tuple)) or len(masks) not in (0, NUM_PARTS):
        count = f' with {len(masks)} entries' if isinstance(masks, (list, tuple)) else ''
        raise AnnotationError(f'neither one RLE nor a list of {NUM_PARTS}',
                              f'dp_masks is a {type(masks).__name__}{count}')
    for index, mask in enumerate(masks):
        if mask is not None and mask != []:
            _check_rle(mask, f'dp_masks[{index}]')
    # A body without any part is no statement that the box is empty.
    return list(masks) if any(masks) else None


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
    said = f'bbox = {_short(ann["bbox"])}'
    if box.shape != (4,) or not np.isfinite(box).all():
        raise AnnotationError('not four finite numbers', said)
    if min(box[2:]) <= 0:
        raise AnnotationError('box without area', said)
    x1, y1, x2, y2 = np.concatenate([box[:2], box[:2] + box[2:]])
    # mmpose clips boxes to the outermost pixel indices.
    if min(x2, width - 1) <= max(x1, 0) or min(y2, height - 1) <= max(y1, 0):
        raise AnnotationError('box outside the image', f'{said} in {width} x {height}')
    return box


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
        raise AnnotationError(f'not {3 * count} finite numbers', f'keypoints = {_short(values)}')
    return values


def _check_rle(mask: dict, name: str) -> None:
    if not isinstance(mask, dict) or 'counts' not in mask or 'size' not in mask:
        raise AnnotationError('not an RLE with size and counts', f'{name} = {_short(mask)}')
    if list(mask['size']) != [FRAME, FRAME]:
        raise AnnotationError(f'RLE is not {FRAME} x {FRAME}', f'{name}.size = {mask["size"]}')
    if not isinstance(mask['counts'], (str, bytes, list)) or not mask['counts']:
        raise AnnotationError('RLE cannot be decoded', f'{name}.counts = {_short(mask["counts"])}')


def _require(values: np.ndarray, field: str, reason: str, good: np.ndarray) -> None:
    if not good.all():
        index = int(np.argmin(good))
        raise AnnotationError(reason, f'{field}[{index}] = {values[index]:g}')


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'
