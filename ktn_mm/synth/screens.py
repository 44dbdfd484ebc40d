"""Flat things of a scene: what hides people, and clutter behind them."""
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ktn_mm.synth.environments import crop_photo, linear, read_photo
from ktn_mm.synth.noise import noise


class Cutting(NamedTuple):
    """A piece of a photograph; the attributes are those of :func:`environments.crop_photo`."""

    photo: Path
    zoom: float
    at: tuple[float, float]
    flip: bool

    def show(self, size: tuple[int, int]) -> np.ndarray:
        """Return the piece as (h, w, 3) uint8 RGB."""
        return crop_photo(read_photo(self.photo), size, self.zoom, self.at, self.flip)


class Screen(NamedTuple):
    """Something flat, in front of everybody or behind.

    Attributes:
        corners: (K, 2) in pixels, convex, clockwise in the picture.
        color: (3,) display RGB.
        seed: of its texture.
        cutting: shown instead of the colour, or None.
    """

    corners: np.ndarray
    color: np.ndarray
    seed: int
    cutting: Cutting | None = None


def draw_cutting(rng: np.random.Generator, photos: tuple[Path, ...],
                 zoom: tuple[float, float]) -> Cutting:
    """Draw a piece of one of the photographs, the zoom between two bounds."""
    return Cutting(photos[rng.integers(len(photos))], float(rng.uniform(*zoom)),
                   (float(rng.random()), float(rng.random())), bool(rng.random() < .5))


def inside(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Tell which points lie inside a convex polygon, clockwise in the picture."""
    result = np.ones(len(x), bool)
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        result &= (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) >= 0
    return result


def covered(corners: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the points x, y (P,) of a grid (w, h) inside a convex polygon, row by row."""
    low = np.clip(np.floor(corners.min(0)), 0, size).astype(np.int64)
    high = np.clip(np.ceil(corners.max(0)) + 1, 0, size).astype(np.int64)
    y, x = np.mgrid[low[1]:high[1], low[0]:high[0]]
    y, x = y.ravel(), x.ravel()
    kept = inside(corners, x, y)
    return x[kept], y[kept]


def paint_screen(canvas: np.ndarray, screen: Screen, size: tuple[int, int],
                 factor: int) -> None:
    """Paint a screen over a canvas.

    Args:
        canvas: (h * w, 3) float32 linear light, changed in place.
        screen: its corners in pixels.
        size: (w, h) of the canvas.
        factor: by which the canvas is finer than the picture.
    """
    x, y = covered((screen.corners + .5) * factor - .5, size)
    if not len(x):
        return
    points = np.stack([x, y, np.zeros(len(x))], 1) / factor
    texture = 1 + .10 * noise(points, (.05, .004, 1), screen.seed)
    texture += .05 * noise(points, .2, screen.seed + 1)
    if screen.cutting is None:
        color = (screen.color ** 2.2).astype(np.float32)
    else:
        low = np.array([x.min(), y.min()])
        extent = np.array([x.max(), y.max()]) + 1 - low
        piece = linear(screen.cutting.show((int(extent[0]), int(extent[1]))))
        color = piece[y - low[1], x - low[0]]
        texture = np.float32(.6 + .8 * screen.color.mean()) * texture ** .5
    canvas[y * size[0] + x] = color * texture[:, None] * .8
