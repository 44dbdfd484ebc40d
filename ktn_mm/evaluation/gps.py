"""Geodesic point similarity: how far from the annotated point of the body is a prediction.

Letters: P points, D detections, G persons.

Source: Gueler et al., DensePose, CVPR 2018, Sec. 4, with the per-part kappa that the DensePose
challenges and detectron2's evaluation use since.
"""
from typing import Protocol

import numpy as np

from ktn_mm.surface.charts import SURFACE_KAPPA

POINT_FRAME = 255.
"""The extent of the box that the reference reads ``dp_x``, ``dp_y`` with (training: 256)."""


class Surface(Protocol):
    """What GPS asks of a :class:`~ktn_mm.surface.template.SurfaceTemplate`."""

    def nearest_vertex(self, surface: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """(P,), (P, 2) -> (P,) vertices, -1 where surface is 0."""

    def distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Vertices -> metres along the body, inf where either is -1."""


def point_pixels(points: np.ndarray, person_box: np.ndarray, box: np.ndarray,
                 frame: float = POINT_FRAME) -> tuple[np.ndarray, np.ndarray]:
    """Find annotated points in the picture of a detection.

    Coordinates are truncated towards zero, so a point up to a pixel to the left of the box or
    above it counts as column or row 0.

    Args:
        points: (P, 2) ``dp_x``, ``dp_y``.
        person_box: (4,) x, y, w, h of the annotation.
        box: (4,) x, y, w, h of the detection.
        frame: extent of the box frame of the points.

    Returns:
        (P, 2) int64 x, y in the picture, and (P,) bool whether the point lies inside it.
    """
    person_box, box = np.asarray(person_box, np.float64), np.asarray(box, np.float64)
    offset = points * person_box[2:] / frame + person_box[:2] - box[:2]
    pixels = offset.astype(np.int64)
    inside = ((pixels >= 0) & (pixels < box[2:].astype(np.int64))).all(-1)
    return pixels, inside


def sample_picture(picture: np.ndarray, box: np.ndarray, points: np.ndarray,
                   person_box: np.ndarray, frame: float = POINT_FRAME) -> np.ndarray:
    """Read a detection's IUV picture at annotated points.

    Args:
        picture: (3, h, w) uint8 of the detection.
        box: (4,) x, y, w, h of the detection.
        points: (P, 2) ``dp_x``, ``dp_y`` of a person.
        person_box: (4,) x, y, w, h of the person.
        frame: extent of the box frame of the points.

    Returns:
        (P, 3) uint8 I, U, V; zeros outside the detection.
    """
    pixels, inside = point_pixels(points, person_box, box, frame)
    samples = np.zeros((len(points), 3), np.uint8)
    x, y = pixels[inside].T
    samples[inside] = picture[:, y, x].T
    return samples


def sample_vertices(surface: Surface, samples: np.ndarray) -> np.ndarray:
    """Return the vertices (P,) int64 of samples (P, 3) uint8, -1 for background.

    Every distinct (I, U, V) is looked up once.
    """
    i, u, v = (samples[:, k].astype(np.uint32) for k in range(3))
    codes, where = np.unique(i << 16 | u << 8 | v, return_inverse=True)
    uv = np.stack([codes >> 8 & 255, codes & 255], -1) / 255.
    return surface.nearest_vertex((codes >> 16).astype(np.int64), uv)[where.reshape(-1)]


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
