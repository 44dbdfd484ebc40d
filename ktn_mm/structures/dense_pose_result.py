"""What a user gets: the dense pose of every person in one image."""
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .crop_frame import CropFrame


@dataclass
class PersonMaps:
    """The dense pose of one person, in crop space.

    Attributes:
        frame: where the crop lies in the image.
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

    def read(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read the maps at image points, by the nearest crop pixel.

        Args:
            points: (..., 2) image pixel indices (x, y).

        Returns:
            labels (...) uint8, 0 outside the crop; uv (..., 2) float32, 0 where the label is 0.
        """
        w, h = self.frame.size
        x, y = np.moveaxis(np.floor(self.frame.to_crop(points) + 0.5).astype(np.int64), -1, 0)
        inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
        x, y = np.where(inside, x, 0), np.where(inside, y, 0)
        labels = np.where(inside, self.labels[y, x], 0).astype(np.uint8)
        uv = np.moveaxis(self.uv[:, y, x], 0, -1).astype(np.float32)
        return labels, np.where(labels[..., None] > 0, uv, 0)


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
    """

    image_size: tuple[int, int]
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    scores: np.ndarray = field(default_factory=lambda: np.zeros((0,), np.float32))
    keypoints: np.ndarray = field(default_factory=lambda: np.zeros((0, 17, 2), np.float32))
    keypoint_scores: np.ndarray = field(default_factory=lambda: np.zeros((0, 17), np.float32))
    people: list[PersonMaps] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.people)

    @classmethod
    def from_data_samples(cls, samples: list, image_size: tuple[int, int]) -> 'DensePoseResult':
        """Collect the predictions of a model for the persons of one image.

        Args:
            samples: ``PoseDataSample`` with ``pred_instances`` of one person each.
            image_size: (width, height) of the image.
        """
        if not samples:
            return cls(tuple(image_size))
        people = []
        for sample in samples:
            p = sample.pred_instances
            h, w = p.dense_labels.shape[-2:]
            frame = CropFrame(p.input_center[0], p.input_scale[0], (w, h))
            people.append(PersonMaps(frame, np.asarray(p.dense_labels[0]),
                                     np.asarray(p.dense_uv[0])))
        gather = {name: np.concatenate([np.asarray(s.pred_instances[name]) for s in samples])
                  for name in ('bboxes', 'bbox_scores', 'keypoints', 'keypoint_scores')}
        return cls(tuple(image_size), gather['bboxes'], gather['bbox_scores'],
                   gather['keypoints'], gather['keypoint_scores'], people)

    def to_maps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Paint all people into the image frame.

        Where people overlap, the one with the higher score is on top (of equal scores, the
        earlier one).

        Returns:
            labels (H, W) uint8; uv (H, W, 2) float32; person (H, W) int32, the index of the
            person that the pixel shows, -1 where there is none.
        """
        width, height = self.image_size
        labels = np.zeros((height, width), np.uint8)
        uv = np.zeros((height, width, 2), np.float32)
        person = np.full((height, width), -1, np.int32)
        for i in np.argsort(-np.asarray(self.scores), kind='stable')[::-1]:
            region = self._region(self.people[i].frame)
            if region is None:
                continue
            x0, y0, x1, y1 = region
            points = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1)
            new_labels, new_uv = self.people[i].read(points)
            shown = new_labels > 0
            labels[y0:y1, x0:x1][shown] = new_labels[shown]
            uv[y0:y1, x0:x1][shown] = new_uv[shown]
            person[y0:y1, x0:x1][shown] = i
        return labels, uv, person

    def _region(self, frame: CropFrame) -> tuple[int, int, int, int] | None:
        """Return the image pixels x0, y0, x1, y1 (ends excluded) that a crop can cover."""
        w, h = frame.size
        corners = frame.to_image(np.array([[-.5, -.5], [w, -.5], [-.5, h], [w, h]]))
        low = np.maximum(np.floor(corners.min(0)), 0).astype(int)
        high = np.minimum(np.ceil(corners.max(0)) + 1, self.image_size).astype(int)
        return (*low, *high) if (high > low).all() else None

    def to_image(self) -> np.ndarray:
        """Return the IUV picture: (H, W, 3) uint8 with channels I, U * 255, V * 255."""
        labels, uv, _ = self.to_maps()
        return _iuv_picture(labels, uv)

    def save_npz(self, path: str | Path) -> None:
        """Write plain arrays: boxes, scores, keypoints, keypoint_scores, iuv, person, and for
        every person its maps in crop space (labels, uv, crop_center, crop_scale)."""
        labels, uv, person = self.to_maps()
        arrays = dict(
            boxes=self.boxes, scores=self.scores, keypoints=self.keypoints,
            keypoint_scores=self.keypoint_scores,
            iuv=_iuv_picture(labels, uv), person=person)
        if self.people:
            arrays.update(
                labels=np.stack([p.labels for p in self.people]),
                uv=np.stack([p.uv for p in self.people]).astype(np.float16),
                crop_center=np.array([p.frame.center for p in self.people]),
                crop_scale=np.array([p.frame.scale for p in self.people]))
        np.savez_compressed(path, **arrays)


def _iuv_picture(labels: np.ndarray, uv: np.ndarray) -> np.ndarray:
    return np.dstack([labels, np.rint(uv * 255).astype(np.uint8)])
