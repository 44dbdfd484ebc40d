"""Where annotators would click: points spread over the visible parts of a person."""
import numpy as np

from ktn_mm.surface.charts import NUM_PARTS, SURFACE_TO_PART

MAX_POINTS = 14
"""The most points on one part. Source: DensePose (Gueler et al., CVPR 2018), Sec. 2.1."""
MAX_CANDIDATES = 600


def points_of_part(area: int) -> int:
    """Return how many points a part of so many visible pixels gets."""
    return int(np.clip(round(2 + .36 * np.sqrt(area)), 1, MAX_POINTS))


def spread(rng: np.random.Generator, pixels: np.ndarray, count: int) -> np.ndarray:
    """Choose pixels far from each other: each next one farthest from those chosen before.

    Args:
        rng: draws the first one, and the candidates where there are very many.
        pixels: (P, 2).
        count: how many to choose.

    Returns:
        (min(P, count),) indices into ``pixels``, without repetition.
    """
    candidates = np.arange(len(pixels))
    if len(candidates) > MAX_CANDIDATES:
        candidates = rng.choice(candidates, MAX_CANDIDATES, replace=False)
    places = pixels[candidates].astype(np.float64)
    # A little noise, for annotators do not click on the rim and in regular patterns only.
    places = places + rng.normal(0, .35 * np.sqrt(len(pixels) / count), places.shape)
    chosen = [int(rng.integers(len(candidates)))]
    distance = np.full(len(candidates), np.inf)
    for _ in range(min(count, len(candidates)) - 1):
        step = places - places[chosen[-1]]
        distance = np.minimum(distance, step[:, 0] ** 2 + step[:, 1] ** 2)
        distance[chosen[-1]] = -1
        chosen.append(int(distance.argmax()))
    return candidates[chosen]


def sample_points(rng: np.random.Generator, surface: np.ndarray) -> np.ndarray:
    """Choose the points of one person.

    Args:
        rng: where chance comes from.
        surface: (h, w) I of the person's visible pixels, 0 elsewhere.

    Returns:
        (P, 2) int64 pixels (x, y), part by part.
    """
    part = SURFACE_TO_PART[surface]
    result = []
    for index in range(1, NUM_PARTS + 1):
        y, x = np.nonzero(part == index)
        if len(x):
            pixels = np.stack([x, y], 1)
            result.append(pixels[spread(rng, pixels, points_of_part(len(x)))])
    return np.concatenate(result) if result else np.zeros((0, 2), np.int64)
