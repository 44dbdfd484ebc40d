"""Where pictures come from: files, folders, arrays, videos, a webcam."""
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .pictures import PICTURE_SUFFIXES, check_image, read_picture

VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.mjpeg',
                  '.wmv', '.ts', '.flv', '.3gp', '.m2ts')

WEBCAM = 'webcam '
"""What the source of a webcam's frames begins with; its index follows."""

OnError = Callable[[str, Exception], None]


class Frame(NamedTuple):
    """One picture.

    Attributes:
        source: a path, ``'webcam 0'``, or ``'array 3'``: its place among all inputs.
        number: of the frame in a video or from a webcam, from 0; None for a picture.
        image: (H, W, 3) uint8 BGR.
        place: among all pictures and frames, from 0; a picture that cannot be read has one too.
    """

    source: str
    number: int | None
    image: np.ndarray
    place: int


def is_video(path: str | Path) -> bool:
    """Tell by its name whether a file is a video."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def source_name(one: str | Path | int) -> str:
    """Return the ``source`` that the frames of a file or a webcam have."""
    return f'{WEBCAM}{one}' if isinstance(one, int) else str(one)


def is_webcam(source: str) -> bool:
    """Tell the source of a webcam's frames from a file's name."""
    return source.startswith(WEBCAM) and source.removeprefix(WEBCAM).isdigit()


def list_folder(folder: str | Path) -> list[Path]:
    """Return the pictures and videos in a folder, by name; folders in it are left out.

    Raises:
        ValueError: if there are none.
    """
    found = sorted(path for path in Path(folder).iterdir() if path.is_file()
                   and path.suffix.lower() in PICTURE_SUFFIXES + VIDEO_SUFFIXES)
    if not found:
        raise ValueError(f'{folder}: neither a picture nor a video in this folder; pictures end '
                         f'in {", ".join(PICTURE_SUFFIXES)}')
    return found


def expand(inputs: Any) -> Iterator[str | Path | int | np.ndarray]:
    """Yield single inputs: files, arrays, webcams.

    Args:
        inputs: a path of a picture, video or folder, an array (H, W, 3), the index of a webcam,
            or an iterable of these.
    """
    if isinstance(inputs, (str, Path)):
        if Path(inputs).is_dir():
            yield from list_folder(inputs)
        else:
            yield inputs
    elif isinstance(inputs, (int, np.integer, np.ndarray)) and not isinstance(inputs, bool):
        yield int(inputs) if isinstance(inputs, np.integer) else inputs
    elif isinstance(inputs, Iterable):
        for one in inputs:
            yield from expand(one)
    else:
        raise TypeError('inputs must be paths, folders, arrays, webcam indices, or a list of '
                        f'them, got {type(inputs).__name__}')


def read_frames(inputs: Any, on_error: OnError | None = None) -> Iterator[Frame]:
    """Read all pictures and all frames of videos, one at a time.

    Args:
        inputs: see :func:`expand`.
        on_error: called with the source and the error where one cannot be read, and reading
            goes on; by default the error is raised.
    """
    place = 0
    for index, one in enumerate(expand(inputs)):
        source = f'array {index}' if isinstance(one, np.ndarray) else source_name(one)
        first = place
        try:
            for number, image in _images(one, source):
                yield Frame(source, number, image, place)
                place += 1
        except (OSError, ValueError) as error:
            if on_error is None:
                raise
            on_error(source, error)
        place = max(place, first + 1)  # what cannot be read has a place too


def _images(one: str | Path | int | np.ndarray,
            source: str) -> Iterator[tuple[int | None, np.ndarray]]:
    """Yield the number and the image of a single input's frames; a picture has no number."""
    if isinstance(one, np.ndarray):
        yield None, check_image(one, source)
    elif isinstance(one, int) or is_video(one):
        from .video import VideoReader
        for number, image in enumerate(VideoReader(one)):
            yield number, check_image(image, source)
    else:
        yield None, read_picture(one)
