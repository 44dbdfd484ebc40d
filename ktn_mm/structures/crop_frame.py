"""The one mapping between an image and the crop of a person in it."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CropFrame:
    """Map points between an image, a person's crop and a network's grid.

    Coordinates are pixel indices: the centre of the first pixel is (0, 0). The centre of the
    box lands on the centre of the crop, ((w - 1) / 2, (h - 1) / 2), so that mirroring the
    image mirrors the crop exactly, x -> w - 1 - x.
    A grid of stride s has its cell i at crop pixel (i + 0.5) * s - 0.5, which is what
    ``align_corners=False`` means everywhere in torch.

    Source: the unbiased crop of mmpose's ``TopdownAffine(use_udp=True)``.

    Args:
        center: (x, y) of the box centre in the image.
        scale: (w, h) in image pixels that the crop spans, padding included.
        size: (w, h) of the crop in pixels.
        rotation: degrees by which the content is turned, counted as mmpose does.

    Raises:
        ValueError: if a scale or a size is not positive and finite.
    """

    center: tuple[float, float]
    scale: tuple[float, float]
    size: tuple[int, int]
    rotation: float = 0.

    def __post_init__(self) -> None:
        for name, kind in (('center', float), ('scale', float), ('size', int)):
            value = tuple(kind(v) for v in np.asarray(getattr(self, name)).reshape(-1))
            if len(value) != 2 or not np.all(np.isfinite(value)):
                raise ValueError(f'CropFrame: {name} must be two finite numbers, got {value}')
            if name != 'center' and min(value) <= 0:
                raise ValueError(f'CropFrame: {name} must be positive, got {value}')
            object.__setattr__(self, name, value)

    @classmethod
    def around(cls, box: np.ndarray, size: tuple[int, int], padding: float) -> 'CropFrame':
        """Return the upright frame of a box, widened to the shape of the crop.

        Source: mmpose's ``GetBBoxCenterScale`` and ``TopdownAffine``, in float32 as they do.

        Args:
            box: (4,) x1, y1, x2, y2 in image pixels.
            size: (w, h) of the crop in pixels.
            padding: factor of the box's sides.
        """
        box = np.asarray(box, np.float32)
        width, height = (box[2:] - box[:2]) * np.float32(padding)
        shape = np.float32(size[0] / size[1])
        if width > height * shape:
            height = width / shape
        else:
            width = height * shape
        return cls((box[:2] + box[2:]) * np.float32(0.5), (width, height), size)

    def cut(self, image: np.ndarray) -> np.ndarray:
        """Return the crop (h, w, C) of an image (H, W, C), black beyond its edges.

        Bit for bit what mmpose's ``TopdownAffine(use_udp=True)`` cuts, whose matrix is float32.
        """
        import cv2  # here, since scoring imports this package and does without OpenCV
        return cv2.warpAffine(image, self.matrix().astype(np.float32), self.size,
                              flags=cv2.INTER_LINEAR)

    def matrix(self) -> np.ndarray:
        """Return the (2, 3) float64 matrix that takes image to crop coordinates."""
        zoom = (np.asarray(self.size, np.float64) - 1) / np.asarray(self.scale)
        angle = np.deg2rad(self.rotation)
        cos, sin = np.cos(angle), np.sin(angle)
        linear = zoom[:, None] * np.array([[cos, -sin], [sin, cos]])
        shift = (np.asarray(self.size, np.float64) - 1) / 2 - linear @ np.asarray(self.center)
        return np.column_stack([linear, shift])

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Map image coordinates (..., 2) to crop coordinates (..., 2)."""
        matrix = self.matrix()
        return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Map crop coordinates (..., 2) to image coordinates (..., 2)."""
        matrix = self.matrix()
        inverse = np.linalg.inv(matrix[:, :2])
        return (np.asarray(points, np.float64) - matrix[:, 2]) @ inverse.T

    def grid_points(self, grid: tuple[int, int]) -> np.ndarray:
        """Return the crop coordinates (H, W, 2) of the cells of a grid of (W, H) cells."""
        return cell_centers(self.size, grid)


def cell_centers(size: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Return where the cells of a grid lie in a crop.

    Args:
        size: (w, h) of the crop in pixels.
        grid: (W, H) cells that cover it.

    Returns:
        (H, W, 2) float64 crop coordinates (x, y).
    """
    xs, ys = ((np.arange(n) + 0.5) * (s / n) - 0.5 for s, n in zip(size, grid))
    return np.stack(np.meshgrid(xs, ys), -1)


def box_to_image(points: np.ndarray, box: np.ndarray, frame: float) -> np.ndarray:
    """Map points of a box frame to image pixel indices.

    Args:
        points: (..., 2) in [0, frame], such as ``dp_x``, ``dp_y``; edge to edge of the box.
        box: (x, y, w, h) of the box in COCO's continuous coordinates, where pixel i covers
            [i, i + 1].
        frame: the extent of the frame: 256 for training on DensePose's annotation.
    """
    box = np.asarray(box, np.float64)
    return box[:2] + np.asarray(points, np.float64) * box[2:] / frame - 0.5


def image_to_box(points: np.ndarray, box: np.ndarray, frame: float) -> np.ndarray:
    """Invert :func:`box_to_image`."""
    box = np.asarray(box, np.float64)
    return (np.asarray(points, np.float64) + 0.5 - box[:2]) * frame / box[2:]
