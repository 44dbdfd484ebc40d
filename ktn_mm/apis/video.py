"""Read and write videos, frame by frame."""
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from ..forms.writing import partial_path, take_name
from .sources import source_name

UNKNOWN_RATE = Fraction(25)
"""Frames per second of a video that does not say."""


class VideoReader:
    """Read a video frame by frame.

    Args:
        source: a file, or the index of a webcam.

    Attributes:
        name: for messages.
        rate: frames per second, :data:`UNKNOWN_RATE` where the file does not say.
        count: about how many frames the file says it has; None where it does not say.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it cannot be opened; while reading, if it is broken or ends early.
    """

    def __init__(self, source: str | Path | int) -> None:
        self.source = source
        self.name = source_name(source)
        self.rate, self.count = UNKNOWN_RATE, None
        if isinstance(source, int):
            return
        if not Path(source).is_file():
            raise FileNotFoundError(f'{source}: no such file')
        with self._open() as container:
            stream = container.streams.video[0]
            self.rate = stream.average_rate or UNKNOWN_RATE
            self.count = stream.frames or None
            if self.count is None and (seconds := _seconds(stream)):
                self.count = round(seconds * self.rate)

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self.source))
        except av.FFmpegError as error:
            raise ValueError(f'{self.name}: not a video, or cut off: {error.strerror}') from error
        if not container.streams.video:
            container.close()
            raise ValueError(f'{self.name}: there are no pictures in this file')
        return container

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield (H, W, 3) uint8 BGR, upright; their size may change."""
        yield from (self._from_webcam() if isinstance(self.source, int) else self._from_file())

    def _from_webcam(self) -> Iterator[np.ndarray]:
        capture = cv2.VideoCapture(self.source)
        try:
            if not capture.isOpened():
                raise ValueError(f'{self.name}: cannot be opened')
            while True:
                there, image = capture.read()
                if not there:
                    return
                yield image
        finally:
            capture.release()

    def _from_file(self) -> Iterator[np.ndarray]:
        number, start, end = 0, None, 0.
        with self._open() as container:
            stream = container.streams.video[0]
            told, seconds, counted = stream.frames, _seconds(stream), 1 / self.rate
            stream.thread_type = 'AUTO'
            try:
                for frame in container.decode(stream):
                    number += 1
                    start = (frame.time or 0.) if start is None else start
                    end = max(end, (frame.time or 0.) - start + float(counted))
                    image = frame.to_ndarray(format='bgr24')
                    yield np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))
            except av.FFmpegError as error:
                raise ValueError(f'{self.name}: broken after {number} frames: {error.strerror}'
                                 ) from error
        # Headers may count frames that an edit list hides, or round: a little less is no loss.
        short = number < 0.97 * told - 1 if told else seconds and end + counted < 0.97 * seconds
        if not number or short:
            whole = f'{told} frames' if told else f'{seconds or 0:.1f} seconds'
            raise ValueError(f'{self.name}: cut off: ends after {number} frames, '
                             f'{end:.1f} seconds, of {whole}')


def _seconds(stream: av.VideoStream) -> float | None:
    """Return how long a stream says that its pictures last, None if it does not say.

    The container's own duration may be that of longer sound.
    """
    if stream.duration:
        return float(stream.duration * stream.time_base)
    text = next((v for k, v in stream.metadata.items() if k.upper() == 'DURATION'), '')
    try:
        hours, minutes, seconds = map(float, text.split(':'))
    except ValueError:
        return None
    return 3600 * hours + 60 * minutes + seconds


class VideoWriter:
    """Write a video; it gets its name when it is closed, and is readable then.

    Frames of another size than the first are stretched to it, without mixing pixels. H.264 that
    all players know needs even sides: a last odd column or row is there twice.

    Args:
        path: ``.mp4`` for H.264, ``.mkv`` for FFV1, which keeps every value.
        rate: frames per second.
        overwrite: replace what is there when it is closed.
    """

    def __init__(self, path: str | Path, rate: Fraction, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.rate = rate
        self.overwrite = overwrite
        self.stretched = 0
        self._partial = partial_path(self.path)
        self._container = self._stream = self._size = None

    def write(self, picture: np.ndarray) -> None:
        """Add a frame, (H, W, 3) uint8 RGB."""
        size = (picture.shape[1], picture.shape[0])
        if self._container is None:
            self._start(*size)
        if size != self._size:
            self.stretched += 1
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_NEAREST)
        more = (self._stream.height - self._size[1], self._stream.width - self._size[0])
        if any(more):
            picture = np.pad(picture, [(0, more[0]), (0, more[1]), (0, 0)], mode='edge')
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format='rgb24')
        self._container.mux(self._stream.encode(frame))

    def _start(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._container = av.open(str(self._partial), 'w')
        if self.path.suffix == '.mkv':
            self._stream = self._container.add_stream('ffv1', rate=self.rate)
            self._stream.pix_fmt = 'bgr0'
        else:
            self._stream = self._container.add_stream('libx264', rate=self.rate,
                                                      options={'crf': '18'})
            self._stream.pix_fmt = 'yuv420p'
            width, height = width + width % 2, height + height % 2
        self._stream.width, self._stream.height = width, height

    def close(self) -> None:
        """Finish the file; without any frame there is none.

        Raises:
            FileExistsError: as :func:`ktn_mm.forms.writing.take_name`.
        """
        if self._container is None:
            return
        self._container.mux(self._stream.encode())
        self._container.close()
        self._container = None
        take_name(self._partial, self.path, overwrite=self.overwrite)

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, *error) -> None:
        self.close()
