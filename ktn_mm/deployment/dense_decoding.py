"""From the head's maps to labels, U and V, without torch.

The same rules as :mod:`ktn_mm.models.heads.decoding`, whose legend holds: S = 25 surfaces with
background, H x W grid, h x w crop. One crop at a time; tests compare the two.
"""
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..structures import cell_centers
from ..surface.charts import NUM_SURFACES, SURFACE_TWIN


class DenseArrays(NamedTuple):
    """What the dense pose of one crop is decoded from; every map is (n, H, W) float32.

    Attributes:
        mask: 2 logits, person in channel 1.
        surfaces: S logits.
        u: S values.
        v: S values.
    """

    mask: np.ndarray
    surfaces: np.ndarray
    u: np.ndarray
    v: np.ndarray


def decode_dense(maps: DenseArrays, size: tuple[int, int], *, threshold: float,
                 flipped: DenseArrays | None = None, mirror_table: np.ndarray | None = None
                 ) -> tuple[np.ndarray, np.ndarray, float]:
    """Decode dense pose at the resolution of the crop.

    Args:
        maps: of the crop.
        size: (w, h) of the crop.
        threshold: of the person's probability.
        flipped: maps of the mirrored crop.
        mirror_table: (2, 25, 256, 256), needed with ``flipped``.

    Returns:
        labels (h, w) uint8; uv (2, h, w) float32 in [0, 1], 0 on background; the mean
        probability of the person over the labelled pixels, 0 where there are none.
    """
    mask, surfaces = maps.mask, maps.surfaces
    if flipped is not None:
        mask = _mean_log_probability(mask, flipped.mask[..., ::-1])
        surfaces = _mean_log_probability(surfaces, flipped.surfaces[SURFACE_TWIN, :, ::-1])
    person = _sigmoid(_enlarge(mask[1], size) - _enlarge(mask[0], size))
    foreground = person > threshold
    labels = _likeliest(surfaces, size) * foreground
    uv = np.zeros((2, *labels.shape), np.float32)
    rows, columns = np.nonzero(foreground)
    if len(rows) == 0:
        return labels, uv, 0.
    grid = mask.shape[2], mask.shape[1]
    centers = cell_centers(grid, size).astype(np.float32)
    x, y = centers[0, columns, 0], centers[rows, 0, 1]
    chosen = labels[rows, columns].astype(np.intp)
    values = _read_channel([maps.u, maps.v], chosen, x, y).clip(0, 1)
    if flipped is not None:
        twin = SURFACE_TWIN[chosen]
        other = _read_channel([flipped.u, flipped.v], twin, grid[0] - 1 - x, y).clip(0, 1)
        mirrored = _read_channel(mirror_table, twin, *(other * 255))
        values = (values + mirrored) / 2
    uv[:, rows, columns] = values
    return labels, uv, float(person[rows, columns].mean())


def _likeliest(surfaces: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the surface 1..24 with the highest enlarged logit, the first of equal ones."""
    best = _enlarge(surfaces[1], size)
    labels = np.ones(best.shape, np.uint8)
    for surface in range(2, NUM_SURFACES + 1):
        logit = _enlarge(surfaces[surface], size)
        np.copyto(labels, np.uint8(surface), where=logit > best)
        cv2.max(best, logit, best)
    return labels


def _read_channel(maps: Sequence[np.ndarray], channel: np.ndarray, x: np.ndarray,
                  y: np.ndarray) -> np.ndarray:
    """Read one channel at each of P places bilinearly, the outermost cells beyond them.

    Args:
        maps: M maps (n, H, W).
        channel: (P,) which to read.
        x, y: (P,) where, in cells.

    Returns:
        (M, P) float32.
    """
    height, width = maps[0].shape[-2:]
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    fx, fy = x - left.astype(np.float32), y - top.astype(np.float32)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    start = channel * (height * width)
    upper, lower = start + top * width, start + bottom * width
    return np.stack([
        (flat[upper + left] * (1 - fx) + flat[upper + right] * fx) * (1 - fy)
        + (flat[lower + left] * (1 - fx) + flat[lower + right] * fx) * fy
        for flat in (np.ascontiguousarray(m).reshape(-1) for m in maps)])


def _enlarge(channel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge (H, W) to (h, w) bilinearly; OpenCV lays grids on each other as cell_centers."""
    return cv2.resize(channel, size, interpolation=cv2.INTER_LINEAR)


def _mean_log_probability(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return logits of the mean of two distributions over channels."""
    return np.logaddexp(_log_softmax(a), _log_softmax(b))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(0)
    return shifted - np.log(np.exp(shifted).sum(0))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # beyond this range float32 rounds to 0 and 1, and exp would overflow
    return 1 / (1 + np.exp(-x.clip(-80, 80)))
