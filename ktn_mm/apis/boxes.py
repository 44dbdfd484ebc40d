"""Whose dense pose: the boxes that somebody gives."""
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .sources import Frame

Boxes = tuple[np.ndarray, np.ndarray]
"""(N, 4) float32 x1, y1, x2, y2 inside the image, and (N,) float32 scores."""


def check_boxes(rows: Any, image_size: tuple[int, int],
                on_bad: Callable[[ValueError], None] | None = None) -> Boxes:
    """Return boxes, clipped to the image, and their scores.

    Args:
        rows: N rows x1, y1, x2, y2 in image pixels, each with or without a score behind, which
            is 1 then.
        image_size: (width, height).
        on_bad: called with the error of a box that cannot be used, which is left out; by default
            the error is raised.

    Raises:
        ValueError: if a row has another length, is not finite, has no area, lies outside the
            image, or its score is not in [0, 1]; the message gives its index and value.
    """
    checked = []
    for i, row in enumerate(_as_rows(rows)):
        row = np.array([*row, 1.][:5]).astype(np.float32)
        try:
            _check_box(i, row, *image_size)
        except ValueError as error:
            if on_bad is None:
                raise
            on_bad(error)
        else:
            checked.append(row)
    array = np.asarray(checked, np.float32).reshape(-1, 5)
    return np.clip(array[:, :4], 0, np.float32([*image_size] * 2)), array[:, 4]


def _check_box(index: int, row: np.ndarray, width: int, height: int) -> None:
    x1, y1, x2, y2, score = row.tolist()
    value = f'box {index} = ({x1:g}, {y1:g}, {x2:g}, {y2:g})'
    if not np.isfinite(row).all():
        raise ValueError(f'{value} with score {score:g} is not finite')
    if x2 <= x1 or y2 <= y1:
        raise ValueError(f'{value} has no area: x2 must exceed x1 and y2 must exceed y1')
    if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
        raise ValueError(f'{value} lies outside the image of {width}x{height} pixels')
    if not 0 <= score <= 1:
        raise ValueError(f'{value}: its score must lie in [0, 1], got {score:g}')


def _as_rows(rows: Any) -> list[list[float]]:
    try:
        kept = list(rows)  # an iterator is read once
        if any(isinstance(one, (str, Mapping)) for one in (rows, *kept)):
            raise TypeError
        listed = [[float(value) for value in row] for row in kept]
    except (TypeError, ValueError, OverflowError):
        raise ValueError('boxes must be rows of x1, y1, x2, y2 and perhaps a score, got '
                         f'{rows!r:.200}') from None
    for i, row in enumerate(listed):
        if len(row) not in (4, 5):
            raise ValueError(f'box {i} = {row!r:.100}: a box has 4 numbers, or 5 with a score')
    return listed


def check_shape(boxes: Any) -> None:
    """Check that all rows of somebody's boxes are rows of boxes, before there is any picture.

    Args:
        boxes: as :class:`GivenBoxes` takes them, of lists and dicts only.

    Raises:
        ValueError: names the file, the entry and the box.
    """
    for name, own in boxes.items() if isinstance(boxes, Mapping) else [(None, boxes)]:
        for number, rows in enumerate(own) if _nested(own) else [(None, own)]:
            try:
                _as_rows(rows)
            except ValueError as error:
                place = ('' if name is None else f'{name!r}: ') + (
                    '' if number is None else f'entry {number}: ')
                raise ValueError(f'{place}{error}') from None


def names_of(boxes: Mapping[str, Any]) -> str:
    """Say for which files there are boxes; the first three of many."""
    if not boxes:
        return 'there are none at all'
    few = ', '.join(map(repr, list(boxes)[:3]))
    return f'there are boxes for {few}' + (f', ... ({len(boxes)})' if len(boxes) > 3 else '')


def parse_boxes(text: str) -> list[list[float]]:
    """Return the rows of ``'x1,y1,x2,y2;...'``; a line may take the place of a semicolon.

    Raises:
        ValueError: if it looks otherwise.
    """
    try:
        rows = [[float(value) for value in box.split(',')]
                for box in text.replace('\n', ';').split(';') if box.strip()]
    except ValueError:
        raise ValueError(f"boxes must look like 'x1,y1,x2,y2;...', got {text!r:.200}") from None
    return _as_rows(rows)


LEFT_OVER = 'boxes that are left over'
"""Where :meth:`GivenBoxes.finish` fails, this is named instead of a picture."""


class GivenBoxes:
    """Hand out somebody's boxes, picture by picture.

    Args:
        boxes: one of

            - rows of 4 or 5 numbers: the same for every picture and frame
            - an iterable of such rows: one entry for each picture or frame, in their order,
              also for pictures that cannot be read
            - ``{file name: one of these}``; a sequence then counts the frames of that video.
              Files that nobody asks for may be in it.

    Raises:
        ValueError: from a call, if there is no entry for a picture; from :meth:`finish`, if
            there are more entries than pictures or frames.
    """

    def __init__(self, boxes: Any) -> None:
        lasts = isinstance(boxes, (Mapping, Sequence, np.ndarray)) or not isinstance(
            boxes, Iterable)
        self.boxes = boxes if lasts else list(boxes)
        self._asked: dict[str | None, int] = {}

    def __call__(self, frame: Frame) -> Any:
        """Return the rows for a picture or frame."""
        if isinstance(self.boxes, Mapping):
            name, index = Path(frame.source).name, frame.number or 0
            if name not in self.boxes:
                raise ValueError(f'there are no boxes for {name!r}; {names_of(self.boxes)}')
        else:
            name, index = None, frame.place
        boxes, what = self._of(name)
        if not _nested(boxes):
            return boxes
        self._asked[name] = max(self._asked.get(name, 0), index + 1)
        if index >= len(boxes):
            raise ValueError(f'{what} are {len(boxes)} entries, none for number {index}')
        return boxes[index]

    def finish(self) -> None:
        """Check, after the last picture, that no entry is left: they may belong elsewhere."""
        for name, count in self._asked.items():
            boxes, what = self._of(name)
            if len(boxes) > count:
                raise ValueError(f'{what} are {len(boxes)} entries, but {count} pictures or '
                                 'frames came: do they belong together?')

    def _of(self, name: str | None) -> tuple[Any, str]:
        """Return the boxes of a file, or all for None, and what to call them."""
        return (self.boxes, 'boxes') if name is None else (
            self.boxes[name], f'the boxes of {name!r}')


def _nested(boxes: Any) -> bool:
    """Tell whether boxes have an entry for each picture: rows in lists, or empty lists."""
    if isinstance(boxes, np.ndarray):
        return boxes.ndim > 2
    if not isinstance(boxes, Sequence):
        return False
    return any(len(entry) == 0 or isinstance(entry[0], (Sequence, np.ndarray))
               for entry in boxes if isinstance(entry, (Sequence, np.ndarray)))


def whole_image(frame: Frame) -> list[list[float]]:
    """Return the box of the whole image."""
    height, width = frame.image.shape[:2]
    return [[0, 0, width, height]]


Finder = Callable[[Frame], Any]
"""Returns the rows of boxes of a picture, for :func:`check_boxes`."""
