"""Dense pose of the people in pictures and videos, in one call."""
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..structures import DensePoseResult
from .backends import build_backend
from .boxes import LEFT_OVER, Boxes, Finder, GivenBoxes, check_boxes, whole_image
from .detection import PersonDetector, find_detector
from .sources import Frame, OnError, is_webcam, read_frames

WAITING_PIXELS = 50_000_000
"""As many pixels of pictures wait for their batch to fill; they take 0.15 GB."""

Detector = Callable[[np.ndarray], Boxes]
"""From a BGR image to boxes (N, 4) x1, y1, x2, y2 and scores (N,)."""


class DensePoseInferencer:
    """Estimate the dense pose of people.

    Args:
        model: path of a config, the name of one that is shipped, or of a model in a metafile;
            or an ``.onnx`` file of ``tools/export_onnx.py``.
        checkpoint: its weights; by default what the metafile says. An ``.onnx`` file has none.
        det: who finds people where no boxes are given: path of an mmdet config whose first class
            is 'person', ``'rtmdet-m'`` for mmpose's own default, which is downloaded,
            ``'rtmdet-tiny-open-body'`` for the one that is shipped, or a
            function from a BGR image to boxes and scores.
        det_checkpoint: weights of the detector; a name brings its own.
        det_thr: detected boxes with lower scores are left out.
        device: as torch names it; by default an accelerator if there is one.
        batch_size: people that go through the network at a time; they may come from several
            pictures or frames.
        backend: what runs the network, one of :data:`ktn_mm.apis.backends.BACKENDS`; by default
            ``'onnxruntime'`` for an ``.onnx`` file, which needs neither torch nor mmpose, and
            ``'pytorch'`` for all others.
        flip_test: average over the mirrored crop, for twice the time of the network; by default
            what the config says.

    Raises:
        FileNotFoundError: if a file does not exist.
        ValueError: if a checkpoint does not fit, or an argument is out of range.

    Example:
        >>> inferencer = DensePoseInferencer('config.py', 'weights.pth')  # doctest: +SKIP
        >>> for result in inferencer('people.jpg', whole_image=True):     # doctest: +SKIP
        ...     result.to_image().shape
        (480, 640, 3)
    """

    def __init__(self, model: str, checkpoint: str | None = None, *,
                 det: str | Detector | None = None, det_checkpoint: str | None = None,
                 det_thr: float = 0.3, device: str | None = None, batch_size: int = 8,
                 backend: str | None = None, flip_test: bool | None = None) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        if not 0 <= det_thr <= 1:
            raise ValueError(f'det_thr must lie in [0, 1], got {det_thr}')
        self.detector, self.det_thr = det, det_thr
        if isinstance(det, str):
            find_detector(det, det_checkpoint)  # told before a network is loaded
        self.backend = build_backend(backend, str(model), checkpoint, device, flip_test)
        if isinstance(det, str):
            self.detector = PersonDetector(det, det_checkpoint, device=device)
        self.batch_size = batch_size

    def __call__(self, inputs: Any, *, bboxes: Any = None, whole_image: bool = False,
                 on_error: OnError | None = None) -> Iterator[DensePoseResult]:
        """Estimate the dense pose in all pictures and frames, one after the other.

        Nothing is read before the first result is asked for, and only as many pictures are in
        memory as fill a batch, so that a video may be of any length.

        Args:
            inputs: path of a picture, a folder or a video, an image (H, W, 3) uint8 in BGR
                order, the index of a webcam, or an iterable of these.
            bboxes: people's boxes, rows x1, y1, x2, y2 in pixels, perhaps with a score behind;
                see :class:`ktn_mm.apis.boxes.GivenBoxes` for those of several pictures.
            whole_image: take the whole picture as the box of one person.
            on_error: called with the source and the error of a picture or box that cannot be
                used, and the rest is done, and with :data:`ktn_mm.apis.boxes.LEFT_OVER` and the
                error of entries that are left over; by default the error is raised.

        Yields:
            A result for each picture and frame, empty where nobody is found.

        Raises:
            ValueError: if it is not said where the people are, or said twice; for a picture or
                boxes that cannot be used; at the end, for entries of boxes that are left over.
        """
        ways = (bboxes is not None) + bool(whole_image)
        if ways > 1:
            raise ValueError('give bboxes or whole_image=True, not both')
        if not ways and self.detector is None:
            raise ValueError('say where the people are: bboxes=..., whole_image=True, or a '
                             'detector (det=...) when making the inferencer')
        return self._run(inputs, self._finder(bboxes, whole_image), on_error)

    def _finder(self, bboxes: Any, whole: bool) -> Finder:
        if bboxes is not None:
            return GivenBoxes(bboxes)
        if whole:
            return whole_image

        def detect(frame: Frame) -> np.ndarray:
            boxes, scores = self.detector(frame.image)
            kept = ~(np.reshape(scores, -1) < self.det_thr)  # what is no number is named later
            return np.column_stack([boxes, scores])[kept]
        return detect

    def _run(self, inputs: Any, find: Finder,
             on_error: OnError | None) -> Iterator[DensePoseResult]:
        waiting: list[tuple[Frame, list]] = []
        broken = []

        def note(source: str, error: Exception) -> None:
            broken.append(source)
            on_error(source, error)

        for frame in read_frames(inputs, on_error and note):
            found = self._boxes(frame, find, on_error)
            if found is None:
                continue
            boxes, scores = found
            waiting.append((frame, [self.backend.crop(frame.image, *one)
                                    for one in zip(boxes, scores.tolist())]))
            people = sum(len(crops) for _, crops in waiting)
            pixels = sum(kept.image.size // 3 for kept, _ in waiting)
            # Somebody waits in front of a webcam.
            if (people >= self.batch_size or len(waiting) >= self.batch_size
                    or pixels >= WAITING_PIXELS or is_webcam(frame.source)):
                yield from self._finish(waiting)
                waiting = []
        yield from self._finish(waiting)
        if isinstance(find, GivenBoxes) and not broken:
            try:
                find.finish()
            except ValueError as error:
                if on_error is None:
                    raise
                on_error(LEFT_OVER, error)

    @staticmethod
    def _boxes(frame: Frame, find: Finder, on_error: OnError | None) -> Boxes | None:
        """Return the boxes of a picture that can be used; None where nobody can say any."""
        def report(error: ValueError) -> None:
            place = frame.source + ('' if frame.number is None else f', frame {frame.number}')
            named = ValueError(f'{place}: {error}')
            if on_error is None:
                raise named from error
            on_error(frame.source, named)

        size = frame.image.shape[1::-1]
        try:
            return check_boxes(find(frame), size, on_error and report)
        except ValueError as error:
            report(error)
        # a frame shows nobody then, so that the video keeps its length
        return None if frame.number is None else check_boxes([], size)

    def _finish(self, waiting: list[tuple[Frame, list]]) -> Iterator[DensePoseResult]:
        crops = [crop for _, own in waiting for crop in own]
        people = []
        for start in range(0, len(crops), self.batch_size):
            people += self.backend.estimate(crops[start:start + self.batch_size])
        for frame, own in waiting:
            mine, people = people[:len(own)], people[len(own):]
            height, width = frame.image.shape[:2]
            yield DensePoseResult.from_people((width, height), mine, image=frame.image,
                                              source=frame.source, frame=frame.number)
