"""A z-buffer in numpy: which triangle a ray through a sample meets first."""
from typing import NamedTuple

import numpy as np

NEAR = 0.05
"""Triangles with a corner closer to the camera than this (metres) are not drawn."""


class Hits(NamedTuple):
    """First hits of the samples that meet anything, sorted by sample; P hits.

    Attributes:
        sample: (P,) int64 flat index of the sample, y * w + x.
        face: (P,) int64 triangle.
        weights: (P, 3) float64 barycentric weights of its corners, sum 1, on the surface.
        depth: (P,) float64 depth of the hit.
    """

    sample: np.ndarray
    face: np.ndarray
    weights: np.ndarray
    depth: np.ndarray


def rasterize(points: np.ndarray, faces: np.ndarray, size: tuple[int, int], *,
              perspective: bool = True, cull: bool = True) -> Hits:
    """Find the nearest triangle under every sample of a grid.

    Samples lie at whole coordinates: (0, 0) is the centre of the first pixel.

    Args:
        points: (N, 3) projected vertices: x right and y down in samples, depth.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        size: (w, h) of the grid.
        perspective: x and y were divided by the depth, so that weights must be corrected.
        cull: leave out triangles seen from behind (right for closed meshes).

    Returns:
        The hits, one for each covered sample; ties go to the lower triangle index.
    """
    width, height = size
    x, y, depth = (points[:, axis][faces] for axis in range(3))
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    drawn = (area < -1e-12) if cull else (np.abs(area) > 1e-12)
    if perspective:
        drawn &= _lowest(depth) > NEAR
    left = np.ceil(np.clip(_lowest(x), 0, width)).astype(np.int64)
    right = np.floor(np.clip(_highest(x), -1, width - 1)).astype(np.int64)
    top = np.ceil(np.clip(_lowest(y), 0, height)).astype(np.int64)
    bottom = np.floor(np.clip(_highest(y), -1, height - 1)).astype(np.int64)
    kept = np.flatnonzero(drawn & (right >= left) & (bottom >= top))
    left, top = left[kept], top[kept]
    columns = right[kept] - left + 1
    counts = columns * (bottom[kept] - top + 1)

    # Weights are linear in the sample's offset from the corner of the triangle's own box.
    x, y, depth, area = x[kept] - left[:, None], y[kept] - top[:, None], depth[kept], area[kept]
    slope_x = np.stack([y[:, 1] - y[:, 2], y[:, 2] - y[:, 0]], 1) / area[:, None]
    slope_y = np.stack([x[:, 2] - x[:, 1], x[:, 0] - x[:, 2]], 1) / area[:, None]
    start = np.stack([x[:, 1] * y[:, 2] - x[:, 2] * y[:, 1],
                      x[:, 2] * y[:, 0] - x[:, 0] * y[:, 2]], 1) / area[:, None]

    owner = np.repeat(np.arange(len(kept)), counts)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    down, across = np.divmod(step, columns[owner])
    w0 = start[owner, 0] + slope_x[owner, 0] * across + slope_y[owner, 0] * down
    w1 = start[owner, 1] + slope_x[owner, 1] * across + slope_y[owner, 1] * down
    inside = np.flatnonzero((w0 >= 0) & (w1 >= 0) & (w0 + w1 <= 1))
    owner, w0, w1 = owner[inside], w0[inside], w1[inside]
    sample = (top[owner] + down[inside]) * width + left[owner] + across[inside]

    weights = np.stack([w0, w1, 1 - w0 - w1], 1)
    if perspective:
        weights /= depth[owner]
        hit_depth = 1 / (weights[:, 0] + weights[:, 1] + weights[:, 2])
        weights *= hit_depth[:, None]
    else:
        hit_depth = np.einsum('pk,pk->p', weights, depth[owner])

    nearest = np.full(width * height, np.inf)
    np.minimum.at(nearest, sample, hit_depth)
    winner = np.flatnonzero(hit_depth == nearest[sample])
    first = np.full(width * height, -1, np.int64)
    first[sample[winner[::-1]]] = winner[::-1]
    covered = np.flatnonzero(first >= 0)
    first = first[covered]
    return Hits(covered, kept[owner[first]], weights[first], hit_depth[first])


def _lowest(values: np.ndarray) -> np.ndarray:
    # Much faster than values.min(1): numpy is slow at reducing an axis of three.
    return np.minimum(np.minimum(values[:, 0], values[:, 1]), values[:, 2])


def _highest(values: np.ndarray) -> np.ndarray:
    return np.maximum(np.maximum(values[:, 0], values[:, 1]), values[:, 2])


def interpolate(values: np.ndarray, faces: np.ndarray, hits: Hits) -> np.ndarray:
    """Read a per-vertex quantity (N, ...) at the hits, (P, ...)."""
    corners = faces[hits.face]
    weights = hits.weights.astype(values.dtype)
    weights = weights.reshape(weights.shape + (1,) * (values.ndim - 1))
    return (values[corners[:, 0]] * weights[:, 0] + values[corners[:, 1]] * weights[:, 1]
            + values[corners[:, 2]] * weights[:, 2])
