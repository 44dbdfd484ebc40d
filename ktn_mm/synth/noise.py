"""Smooth noise in space, read from a volume that repeats."""
import functools

import numpy as np
from scipy.ndimage import gaussian_filter

CELLS = 64


@functools.lru_cache(maxsize=1)
def _volume() -> np.ndarray:
    values = np.random.default_rng(20181).standard_normal((CELLS,) * 3)
    values = gaussian_filter(values, 1.2, mode='wrap')
    return (values / values.std()).astype(np.float32).ravel()


def noise(points: np.ndarray, frequency: float | tuple[float, float, float], seed: int, *,
          smooth: bool = True) -> np.ndarray:
    """Return noise of mean 0 and standard deviation about 1.

    Args:
        points: (P, 3) in metres.
        frequency: blobs per metre, one number or one for each axis.
        seed: which noise; the same seed gives the same noise anywhere.
        smooth: interpolate; without it the noise is made of small blocks, four to a blob, and
            five times as fast: right for grain.

    Returns:
        (P,) float32.
    """
    shift = np.random.default_rng(seed).uniform(0, CELLS, 3).astype(np.float32)
    position = points.astype(np.float32) * np.asarray(frequency, np.float32) * 4 + shift
    volume = _volume()
    if not smooth:
        cell = position.astype(np.int64) & (CELLS - 1)
        return volume[(cell[:, 0] * CELLS + cell[:, 1]) * CELLS + cell[:, 2]]
    cell = np.floor(position)
    weight = position - cell
    cell = cell.astype(np.int64)
    result = np.zeros(len(points), np.float32)
    # The volume repeats every CELLS cells; CELLS is a power of two.
    low, high = cell & (CELLS - 1), (cell + 1) & (CELLS - 1)
    for corner in range(8):
        pick = [(corner >> axis) & 1 for axis in range(3)]
        share = np.ones(len(points), np.float32)
        index = np.zeros(len(points), np.int64)
        for axis, upper in enumerate(pick):
            share *= weight[:, axis] if upper else 1 - weight[:, axis]
            index = index * CELLS + (high if upper else low)[:, axis]
        result += share * volume[index]
    return result
