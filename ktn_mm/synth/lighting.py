"""Light: a soft sky, one sun with shadows, dark corners."""
import cv2
import numpy as np

from ktn_mm.synth.harmonics import basis
from ktn_mm.synth.rasterizer import rasterize

SHADOW_CELLS = 200
SHADOW_BIAS = .025
"""Metres that a surface may lie behind the shadow map without being in shadow."""


class ShadowMap:
    """How far the sun sees along each of its parallel rays.

    Args:
        vertices: (N, 3) of everything that throws a shadow.
        faces: (F, 3).
        sun: (3,) unit direction to the sun.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, sun: np.ndarray) -> None:
        side = np.cross(sun, [0, 1., 0])
        side /= np.linalg.norm(side)
        # Rows: right, down, away from the sun; the same handedness as a camera's.
        self._axes = np.stack([side, np.cross(-sun, side), -sun])
        seen = vertices @ self._axes.T
        self._low = seen[:, :2].min(0) - .05
        extent = (seen[:, :2].max(0) + .05 - self._low).max()
        self._scale = SHADOW_CELLS / extent
        grid = seen.copy()
        grid[:, :2] = (seen[:, :2] - self._low) * self._scale
        hits = rasterize(grid, faces, (SHADOW_CELLS, SHADOW_CELLS), perspective=False)
        self._depth = np.full(SHADOW_CELLS ** 2, np.inf, np.float32)
        self._depth[hits.sample] = hits.depth

    def light(self, points: np.ndarray, blur: float = .012) -> np.ndarray:
        """Return the share of the sun (P,) float32 that reaches points (P, 3)."""
        seen = points @ self._axes.T.astype(points.dtype)
        cell = (seen[:, :2] - self._low) * self._scale
        reach = blur * self._scale
        total = np.zeros(len(points), np.float32)
        taps = ((-1, -.4), (.4, -1), (1, .4), (-.4, 1), (0, 0))
        for right, down in taps:
            x = np.rint(cell[:, 0] + right * reach).astype(np.int64)
            y = np.rint(cell[:, 1] + down * reach).astype(np.int64)
            outside = (x < 0) | (y < 0) | (x >= SHADOW_CELLS) | (y >= SHADOW_CELLS)
            x, y = np.clip(x, 0, SHADOW_CELLS - 1), np.clip(y, 0, SHADOW_CELLS - 1)
            total += outside | (seen[:, 2] < self._depth[y * SHADOW_CELLS + x] + SHADOW_BIAS)
        return total / len(taps)


def sky_light(coefficients: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return the sky's light (P, 3) on white surfaces with the given normals (P, 3)."""
    return np.maximum(basis(normals.astype(np.float32)) @ coefficients, .015)


def contact_shade(vertices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return how dark the ground is where people almost touch it.

    Args:
        vertices: (N, 3) of the people.
        points: (..., 2) on the ground.

    Returns:
        (...) float32, 0 to 1.
    """
    low = vertices[vertices[:, 2] < .5]
    cells, cell = 128, .03
    middle = low[:, :2].mean(0) if len(low) else np.zeros(2)
    index = np.floor((low[:, :2] - middle) / cell + cells / 2).astype(np.int64)
    index = np.clip(index, 0, cells - 1)
    weight = np.exp(-low[:, 2] / .10)
    grid = np.bincount(index[:, 1] * cells + index[:, 0], weight, cells * cells)
    grid = np.minimum(grid.reshape(cells, cells), 4).astype(np.float32)
    near = cv2.GaussianBlur(grid, (0, 0), 2.)
    far = cv2.GaussianBlur(grid, (0, 0), 7.)
    shade = 1 - np.exp(-.45 * near - .5 * far)
    at = ((points - middle) / cell + cells / 2 - .5).astype(np.float32)
    return cv2.remap(shade, at[..., 0], at[..., 1], cv2.INTER_LINEAR)


def crevices(sample: np.ndarray, depth: np.ndarray, size: tuple[int, int],
             focal: float) -> np.ndarray:
    """Darken places that something close in front hides from the sky.

    Compares the depth of a sample with that of twelve neighbours (screen-space occlusion).

    Args:
        sample: (P,) flat indices of the covered samples.
        depth: (P,) their depths.
        size: (w, h) of the grid of samples.
        focal: in samples.

    Returns:
        (P,) float32, 1 open to about .5 closed.
    """
    width, height = size
    image = np.full(width * height, np.inf, np.float32)
    image[sample] = depth
    row, column = np.divmod(sample, width)
    depth = depth.astype(np.float32)
    hidden = np.zeros(len(sample), np.float32)
    angles = np.arange(12) * 2.399963
    for step, angle in enumerate(angles):
        reach = (.025 + .09 * (step + .5) / len(angles)) * focal / depth
        x = np.clip(column + np.rint(np.cos(angle) * reach).astype(np.int64), 0, width - 1)
        y = np.clip(row + np.rint(np.sin(angle) * reach).astype(np.int64), 0, height - 1)
        ahead = depth - image[y * width + x]
        hidden += np.clip((ahead - .02) / .06, 0, 1) * (ahead < .35)
    return 1 - np.minimum(.62, 1.1 * hidden / len(angles))
