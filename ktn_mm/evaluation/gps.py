"""Geodesic point similarity: how far from the annotated point of the body is a prediction.

Letters: P points, D detections, G persons.

Source: Gueler et al., DensePose, CVPR 2018, Sec. 4, with the per-part kappa that the DensePose
challenges and detectron2's evaluation use since.
"""
from typing import Protocol

import numpy as np

from ktn_mm.surface.charts import SURFACE_KAPPA


class Surface(Protocol):
    """What GPS asks of a :class:`~ktn_mm.surface.template.SurfaceTemplate`."""

    def nearest_vertex(self, surface: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """(P,), (P, 2) -> (P,) vertices, -1 where surface is 0."""

    def distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Vertices -> metres along the body, inf where either is -1."""


def point_positions(points: np.ndarray, person_box: np.ndarray, frame: float) -> np.ndarray:
    """Find annotated points in the image.

    Args:
        points: (P, 2) ``dp_x``, ``dp_y``.
        person_box: (4,) x, y, w, h of the annotation.
        frame: extent of the box frame of the points.

    Returns:
        (P, 2) float64 x, y in pixels; pixel k of the image covers [k, k + 1).
    """
    person_box = np.asarray(person_box, np.float64)
    return points * person_box[2:] / frame + person_box[:2]


def point_pixels(positions: np.ndarray, box: np.ndarray, size: tuple[int, int], *,
                 truncates: bool) -> tuple[np.ndarray, np.ndarray]:
    """Find points of the image in the picture of a detection.

    Args:
        positions: (P, 2) x, y in the image.
        box: (4,) x, y, w, h of the detection.
        size: (h, w) of the picture.
        truncates: the reference's way: offsets are truncated towards zero, so a point up to a
            pixel to the left of the box or above it counts as column or row 0.

    Returns:
        (P, 2) int64 column, row in the picture, and (P,) bool whether the point lies inside it.
    """
    box = np.asarray(box, np.float64)
    offset = positions - box[:2]
    if truncates:
        pixels, limit = offset.astype(np.int64), box[2:].astype(np.int64)
    else:
        limit = np.array(size[::-1])
        scale = np.divide(limit, box[2:], out=np.full(2, -1.), where=box[2:] > 0)
        pixels = np.floor(np.where(scale > 0, offset * scale, -1)).astype(np.int64)
    return pixels, ((pixels >= 0) & (pixels < limit)).all(-1)


def sample_picture(picture: np.ndarray, box: np.ndarray, positions: np.ndarray, *,
                   truncates: bool) -> np.ndarray:
    """Read a detection's IUV picture at points of the image.

    Args:
        picture: (3, h, w) uint8 of the detection.
        box: (4,) x, y, w, h of the detection.
        positions: (P, 2) x, y in the image.
        truncates: see :func:`point_pixels`.

    Returns:
        (P, 3) uint8 I, U, V; zeros outside the detection.
    """
    pixels, inside = point_pixels(positions, box, picture.shape[1:], truncates=truncates)
    samples = np.zeros((len(positions), 3), np.uint8)
    x, y = pixels[inside].T
    samples[inside] = picture[:, y, x].T
    return samples


def sample_vertices(surface: Surface, samples: np.ndarray) -> np.ndarray:
    """Return the vertices (P,) int64 of samples (P, 3) uint8, -1 for background.

    Every distinct (I, U, V) is looked up once.
    """
    i, u, v = (samples[:, k].astype(np.int64) for k in range(3))
    codes = i << 16 | u << 8 | v
    seen = np.zeros(1 << 24, bool)
    seen[codes] = True
    known = np.flatnonzero(seen)
    uv = np.stack([known >> 8 & 255, known & 255], -1) / 255.
    vertices = np.zeros(1 << 24, np.int32)
    vertices[known] = surface.nearest_vertex(known >> 16, uv)
    return vertices[codes].astype(np.int64)


def point_scores(distance: np.ndarray, surfaces: np.ndarray) -> np.ndarray:
    """Return exp(-distance^2 / (2 kappa^2)), in [0, 1].

    Args:
        distance: (..., P) metres between annotated and predicted vertices, inf for none.
        surfaces: (P,) annotated surfaces 1..24, which give kappa.
    """
    return np.exp(-distance ** 2 / (2 * SURFACE_KAPPA[surfaces] ** 2))


def person_gps(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Average the points' scores over each person.

    Args:
        scores: (D, P) of the points of G persons, one person after another.
        counts: (G,) how many of the P points each has.

    Returns:
        (D, G) float64; 0 for a person without points.
    """
    ends = np.cumsum(counts)
    gps = np.zeros((len(scores), len(counts)))
    for person, (count, end) in enumerate(zip(counts, ends, strict=True)):
        if count:
            gps[:, person] = scores[:, end - count:end].mean(1)
    return gps
