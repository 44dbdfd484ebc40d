"""What a user gets: the dense pose of every person in one image."""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..surface.charts import NUM_SURFACES
from .crop_frame import CropFrame
from .pasting import Patch, enlarge


@dataclass
class PersonMaps:
    """The dense pose of one person, in crop space.

    Attributes:
        frame: where the crop lies in the image; upright.
        labels: (h, w) uint8, 0 background, 1..24 surfaces.
        uv: (2, h, w) float, U and V in [0, 1] where ``labels`` is not 0.
    """

    frame: CropFrame
    labels: np.ndarray
    uv: np.ndarray

    def __post_init__(self) -> None:
        w, h = self.frame.size
        if self.labels.shape != (h, w) or self.uv.shape != (2, h, w):
            raise ValueError(f'maps of a {w}x{h} crop must have the shapes {(h, w)} and '
                             f'{(2, h, w)}, got {self.labels.shape} and {self.uv.shape}')
        if self.frame.rotation:
            raise ValueError('maps are of an upright crop, got one turned by '
                             f'{self.frame.rotation:g} degrees')


class PersonPose(NamedTuple):
    """What a network says about one person.

    Attributes:
        box: (4,) x1, y1, x2, y2 in image pixels.
        score: in [0, 1].
        keypoints: (17, 2) image pixels.
        keypoint_scores: (17,).
        maps: :class:`PersonMaps`.
    """

    box: np.ndarray
    score: float
    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    maps: PersonMaps

    @classmethod
    def from_instances(cls, instances) -> list['PersonPose']:
        """Read the people of the ``pred_instances`` of a :class:`PoseDataSample`."""
        h, w = instances.dense_labels.shape[-2:]
        people = []
        for i in range(len(instances)):
            frame = CropFrame(instances.input_center[i], instances.input_scale[i], (w, h))
            maps = PersonMaps(frame, np.asarray(instances.dense_labels[i]),
                              np.asarray(instances.dense_uv[i]))
            people.append(cls(*(np.asarray(instances[name][i]) for name in (
                'bboxes', 'bbox_scores', 'keypoints', 'keypoint_scores')), maps))
        return people


def _empty(*shape: int):
    return field(default_factory=lambda: np.zeros(shape, np.float32))


@dataclass
class DensePoseResult:
    """The people of one image.

    Attributes:
        image_size: (width, height) of the image.
        boxes: (N, 4) x1, y1, x2, y2 in image pixels.
        scores: (N,) in [0, 1].
        keypoints: (N, 17, 2) image pixels, COCO's order.
        keypoint_scores: (N, 17).
        people: N :class:`PersonMaps`.
        image: the image itself, (H, W, 3) uint8 BGR; overlays need it. Set it to None to save
            memory where many results are kept.
        source: where the image comes from: a path, ``'array 0'``, ``'webcam 0'``.
        frame: number of the frame in a video, from 0; None for a picture.
    """

    image_size: tuple[int, int]
    boxes: np.ndarray = _empty(0, 4)
    scores: np.ndarray = _empty(0)
    keypoints: np.ndarray = _empty(0, 17, 2)
    keypoint_scores: np.ndarray = _empty(0, 17)
    people: list[PersonMaps] = field(default_factory=list)
    image: np.ndarray | None = field(default=None, repr=False)
    source: str = ''
    frame: int | None = None

    def __len__(self) -> int:
        return len(self.people)

    @classmethod
    def from_people(cls, image_size: tuple[int, int], people: Sequence[PersonPose],
                    **where) -> 'DensePoseResult':
        """Collect the people of one image; no people make an empty result.

        Args:
            image_size: (width, height) of the image.
            people: N of them.
            **where: ``image``, ``source``, ``frame``.
        """
        if not people:
            return cls(tuple(image_size), **where)
        arrays = (np.stack(values).astype(np.float32) for values in list(zip(*people))[:4])
        return cls(tuple(image_size), *arrays, [person.maps for person in people], **where)

    @classmethod
    def from_iuv(cls, iuv: np.ndarray, **where) -> 'DensePoseResult':
        """Take an IUV picture, such as :meth:`to_image` returns, for one person's result.

        Args:
            iuv: (H, W, 3) uint8 I, U * 255, V * 255.
            **where: ``image``, ``source``, ``frame``.

        Raises:
            ValueError: if I is not 0..24.
        """
        height, width = iuv.shape[:2]
        if iuv[..., 0].max(initial=0) > NUM_SURFACES:
            raise ValueError(f'I must be 0..{NUM_SURFACES}, got {iuv[..., 0].max()}; perhaps the '
                             'channels are in another order, or the file is not lossless')
        # The crop is the image: its outermost pixels' centres lie on each other.
        frame = CropFrame(((width - 1) / 2, (height - 1) / 2),
                          (max(width - 1, 1), max(height - 1, 1)), (width, height))
        maps = PersonMaps(frame, np.ascontiguousarray(iuv[..., 0]),
                          np.moveaxis(iuv[..., 1:], -1, 0) / np.float32(255))
        box = np.array([0, 0, width, height], np.float32)
        person = PersonPose(box, 1., np.zeros((17, 2)), np.zeros(17), maps)
        return cls.from_people((width, height), [person], **where)

    def order(self) -> np.ndarray:
        """Return the people's indices, the one on top first.

        The one with the higher score is on top; of equal scores, the earlier one.
        """
        return np.argsort(-np.asarray(self.scores), kind='stable')

    def to_maps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Paint all people into the image frame, in the order of :meth:`order`.

        Returns:
            labels (H, W) uint8; uv (H, W, 2) float32; person (H, W) int32, the index of the
            person that the pixel shows, -1 where there is none.
        """
        width, height = self.image_size
        labels = np.zeros((height, width), np.uint8)
        uv = np.zeros((height, width, 2), np.float32)
        person = np.full((height, width), -1, np.int32)
        for i, patch in self._from_the_bottom():
            shown = patch.labels > 0
            np.copyto(labels[patch.window], patch.labels, where=shown)
            np.copyto(person[patch.window], i, where=shown)
            for k in range(2):
                np.copyto(uv[(*patch.window, k)], patch.uv[k], where=shown)
        return labels, uv, person

    def to_image(self) -> np.ndarray:
        """Return the IUV picture: (H, W, 3) uint8 with channels I, U * 255, V * 255.

        The person with the higher score is on top; U and V are rounded, 0 on background.
        """
        import cv2  # here, since scoring imports this package and does without OpenCV
        width, height = self.image_size
        # The three values of a pixel move as one number of four bytes, the last unused.
        canvas = np.zeros((height, width), np.uint32)
        for _, patch in self._from_the_bottom():
            pixels = np.zeros((*patch.labels.shape, 4), np.uint8)
            pixels[..., 0] = patch.labels
            for k in range(2):
                pixels[..., k + 1] = np.rint(patch.uv[k] * 255)
            np.copyto(canvas[patch.window], pixels.view(np.uint32)[..., 0],
                      where=patch.labels > 0)
        return cv2.cvtColor(canvas.view(np.uint8).reshape(height, width, 4), cv2.COLOR_BGRA2BGR)

    def _from_the_bottom(self) -> Iterator[tuple[int, Patch]]:
        for i in self.order()[::-1].tolist():
            maps = self.people[i]
            yield i, enlarge(maps.frame, maps.labels, maps.uv, self.image_size)

    def save(self, path: str | Path, form: str | None = None, *, overwrite: bool = False,
             image_id: int = 1) -> None:
        """Write this result to a file.

        Args:
            path: of the file, whose folder exists.
            form: one of :data:`ktn_mm.forms.FORMS`; by default what the suffix says: ``.png``
                iuv, ``.jpg`` overlay, ``.npz`` npz, ``.json`` records of DensePose's challenges.
            overwrite: replace a file that exists.
            image_id: of the records.

        Raises:
            FileExistsError: if there is such a file already.
            ValueError: if there is no such form, it does not fit the suffix, or it needs the
                image and ``image`` is None.
        """
        from ..forms import save_result  # here, since the forms stand on this class
        save_result(self, path, form, overwrite=overwrite, image_id=image_id)
