"""The ``dp_*`` fields of one person: what every reader of annotations judges alike.

Training asks for more than evaluation, which follows the reference: see
:mod:`ktn_mm.datasets.annotation` and :mod:`ktn_mm.evaluation.ground_truth`.
"""
from collections.abc import Mapping

import numpy as np

from ktn_mm.structures.rle import compress
from ktn_mm.surface.charts import NUM_PARTS

FRAME = 256
"""Extent of the frame of a box in which ``dp_x``, ``dp_y`` and ``dp_masks`` are given."""
POINT_TOLERANCE = 1.
"""How far, in units of the frame, a point may lie beyond its box."""
POINT_FIELDS = ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V')
POLICIES = ('error', 'skip')
"""What to do about a bad annotation: stop at the first one, or leave it out and count it."""


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


def check_policy(owner: str, on_bad: str) -> str:
    """Return ``on_bad`` if it is one of :data:`POLICIES`."""
    if on_bad not in POLICIES:
        raise ValueError(f'{owner}: on_bad must be one of {POLICIES}, got {on_bad!r}')
    return on_bad


def is_dense(ann: Mapping) -> bool:
    """Return whether an annotation claims to have points or part masks."""
    return any(ann.get(field) is not None for field in (*POINT_FIELDS, 'dp_masks'))


def read_point_table(ann: Mapping) -> np.ndarray | None:
    """Read the annotated points of a person, of whatever value.

    Returns:
        (P, 5) float64, finite: columns as in :data:`POINT_FIELDS`; None if the person has none
        of these fields. P may be 0.

    Raises:
        AnnotationError: if a field is missing, is no list of finite numbers, or has another
            length than the others.
    """
    present = [f for f in POINT_FIELDS if ann.get(f) is not None]
    if not present:
        return None
    columns = {}
    for field in POINT_FIELDS:
        if field not in present:
            raise AnnotationError('field of the points is missing', f'{field} (has {present})')
        columns[field] = _numbers(ann[field], field)
    lengths = {field: len(column) for field, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise AnnotationError('lists of points differ in length', str(lengths))
    return np.stack(list(columns.values()), -1)


def read_masks(ann: Mapping) -> list | dict | None:
    """Check the form of ``dp_masks``, without reading the runs.

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
        _check_form(masks, 'dp_masks')
        return masks
    if not isinstance(masks, (list, tuple)) or len(masks) not in (0, NUM_PARTS):
        count = f' with {len(masks)} entries' if isinstance(masks, (list, tuple)) else ''
        raise AnnotationError(f'neither one RLE nor a list of {NUM_PARTS}',
                              f'dp_masks is a {type(masks).__name__}{count}')
    for index, mask in enumerate(masks):
        if mask is not None and mask != []:
            _check_form(mask, f'dp_masks[{index}]')
    # A body without any part is no statement that the box is empty.
    return list(masks) if any(masks) else None


def compress_masks(masks: list | dict) -> list | dict:
    """Return ``dp_masks`` of the right form as pycocotools decodes them.

    Args:
        masks: as :func:`read_masks` returns them.

    Raises:
        AnnotationError: if an RLE cannot be decoded, or its runs do not fill the frame.
    """
    if isinstance(masks, dict):
        return _compress(masks, 'dp_masks')
    return [_compress(mask, f'dp_masks[{i}]') if mask else [] for i, mask in enumerate(masks)]


def require(values: np.ndarray, field: str, reason: str, good: np.ndarray) -> None:
    """Raise AnnotationError for the first of some values (P,) that is not good (P,)."""
    if not good.all():
        index = int(np.argmin(good))
        raise AnnotationError(reason, f'{field}[{index}] = {values[index]:g}')


def short(value: object) -> str:
    """Return a value as a message shows it, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'


def _numbers(values: object, field: str) -> np.ndarray:
    try:
        # A single point is sometimes written as a number.
        column = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError):
        column = None
    if column is None or column.ndim != 1:
        raise AnnotationError('not a list of numbers', f'{field} = {short(values)}')
    require(column, field, 'not finite', np.isfinite(column))
    return column


def _check_form(mask: dict, name: str) -> None:
    if not isinstance(mask, dict) or 'counts' not in mask or 'size' not in mask:
        raise AnnotationError('not an RLE with size and counts', f'{name} = {short(mask)}')
    size = mask['size']
    if not isinstance(size, (list, tuple)) or list(size) != [FRAME, FRAME]:
        raise AnnotationError(f'RLE is not {FRAME} x {FRAME}', f'{name}.size = {short(size)}')
    if not isinstance(mask['counts'], (str, bytes, list)) or not mask['counts']:
        raise AnnotationError('RLE cannot be decoded', f'{name}.counts = {short(mask["counts"])}')


def _compress(mask: dict, name: str) -> dict:
    try:
        return compress(mask)
    except (TypeError, ValueError, OverflowError) as error:
        said = f'{name}.counts = {short(mask["counts"])} ({error})'
        raise AnnotationError('RLE cannot be decoded', said) from error
