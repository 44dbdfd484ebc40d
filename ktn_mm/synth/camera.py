"""A pinhole camera."""
from typing import NamedTuple

import numpy as np


class Camera(NamedTuple):
    """Where a picture is taken from. World: z up, ground at 0, metres.

    Attributes:
        eye: (3,) position.
        axes: (3, 3) rows: right, down and ahead of the camera in the world.
        focal: focal length in pixels.
        size: (w, h) of the picture in pixels.
    """

    eye: np.ndarray
    axes: np.ndarray
    focal: float
    size: tuple[int, int]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Map world points (..., 3) to pixel indices and depth (x, y, depth)."""
        seen = (points - self.eye) @ self.axes.T
        depth = np.where(np.abs(seen[..., 2]) < 1e-6, 1e-6, seen[..., 2])
        x = self.focal * seen[..., 0] / depth + (self.size[0] - 1) / 2
        y = self.focal * seen[..., 1] / depth + (self.size[1] - 1) / 2
        return np.stack([x, y, seen[..., 2]], -1)

    def rays(self) -> np.ndarray:
        """Return the unit direction (h, w, 3) through the centre of each pixel."""
        width, height = self.size
        x = (np.arange(width) - (width - 1) / 2) / self.focal
        y = ((np.arange(height) - (height - 1) / 2) / self.focal)[:, None]
        length = np.sqrt(x * x + y * y + 1)
        right, down, ahead = self.axes
        return np.stack([(x * right[k] + y * down[k] + ahead[k]) / length for k in range(3)], -1)


def look_at(eye: np.ndarray, target: np.ndarray, focal: float, size: tuple[int, int],
            tilt: float = 0.) -> Camera:
    """Return a camera at ``eye`` that looks at ``target``, turned by ``tilt`` degrees."""
    ahead = np.asarray(target, np.float64) - eye
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0, 0, 1.])
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    axes = np.stack([cos * right + sin * down, cos * down - sin * right, ahead])
    return Camera(np.asarray(eye, np.float64), axes, float(focal), size)


def supersample(points: np.ndarray, factor: int) -> np.ndarray:
    """Move projected points (N, 3) from pixels to a grid that is finer by a factor."""
    fine = points.copy()
    fine[:, :2] = (points[:, :2] + .5) * factor - .5
    return fine
