"""What is right and how far off the rest is, for every surface, part and class of the body.

Letter: N points, each read from one detection; R rows of a table.

Source: the paper's Table XI and Appendix D; a row of it is a class of the body.
"""
from typing import NamedTuple

import numpy as np

from ktn_mm.evaluation.gps import point_scores
from ktn_mm.evaluation.point_figures import point_figures
from ktn_mm.surface.charts import NUM_SURFACES, PARTS, SURFACE_TO_PART, SURFACES

_PART_CLASSES = [' '.join(w for w in (p.side, p.noun) if w != 'middle') for p in PARTS]
CLASSES = tuple(dict.fromkeys(_PART_CLASSES))
"""Torso, head, and each side's hand, foot, leg and arm: parts without their level."""
SURFACE_TO_CLASS = np.array(
    [0] + [1 + CLASSES.index(_PART_CLASSES[s.part - 1]) for s in SURFACES])
"""(25,): surface -> number of its class, from 1; background 0."""

GROUPINGS = {
    'overall': (('all',), (np.arange(NUM_SURFACES + 1) > 0).astype(np.int64)),
    'classes': (CLASSES, SURFACE_TO_CLASS),
    'parts': (tuple(p.name for p in PARTS), SURFACE_TO_PART),
    'surfaces': (tuple(s.name for s in SURFACES), np.arange(NUM_SURFACES + 1))}
"""Name of a table -> names of its rows, and (25,) surface -> row, from 1."""


class PointReadings(NamedTuple):
    """Annotated points and what was predicted there.

    Attributes:
        surfaces: (N,) annotated, 1..24.
        uv: (N, 2) annotated, in [0, 1].
        predicted_surfaces: (N,) 0..24, 0 where nothing was found.
        predicted_uv: (N, 2) in [0, 1].
        distance: (N,) metres along the body between the two, inf where nothing was found.
    """

    surfaces: np.ndarray
    uv: np.ndarray
    predicted_surfaces: np.ndarray
    predicted_uv: np.ndarray
    distance: np.ndarray


class PointErrors(NamedTuple):
    """A table of R rows; NaN where no point qualifies.

    Attributes:
        names: of the rows.
        points: (R,) how many were annotated.
        foreground_recall: (R,) share of them that is on any surface.
        surface_accuracy: (R,) share on the right surface, which is the recall of the label.
        part_type_accuracy: (R,) of those found, the share on the right kind of part.
        left_right_accuracy: (R,) of those on the right kind, the share on the right side.
        front_back_accuracy: (R,) of those on the right kind, the share on the right face.
        u_mse: (R,) mean squared error of U over the points on the right surface.
        v_mse: (R,) the same of V.
        geodesic_error: (R,) mean distance in metres over the points on the right surface.
        geodesic_error_found: (R,) the same over all points found.
        point_score: (R,) mean over all points of what each adds to GPS, 0 where not found.
    """

    names: tuple[str, ...]
    points: np.ndarray
    foreground_recall: np.ndarray
    surface_accuracy: np.ndarray
    part_type_accuracy: np.ndarray
    left_right_accuracy: np.ndarray
    front_back_accuracy: np.ndarray
    u_mse: np.ndarray
    v_mse: np.ndarray
    geodesic_error: np.ndarray
    geodesic_error_found: np.ndarray
    point_score: np.ndarray


def point_errors(readings: PointReadings, grouping: str) -> PointErrors:
    """Tabulate the readings.

    Args:
        readings: of all points.
        grouping: one of :data:`GROUPINGS`; a point belongs to the row of its annotated surface.
    """
    names, row_of = GROUPINGS[grouping]
    squared = (readings.predicted_uv - readings.uv) ** 2
    scores = point_scores(readings.distance, readings.surfaces)
    rows = []
    for row in range(1, len(names) + 1):
        chosen = row_of[readings.surfaces] == row
        predicted, annotated = (a[chosen] for a in (readings.predicted_surfaces,
                                                    readings.surfaces))
        right, found = predicted == annotated, predicted > 0
        distance = readings.distance[chosen]
        shares = point_figures(predicted, annotated)
        rows.append(dict(
            points=int(chosen.sum()),
            **{name: share if share >= 0 else np.nan for name, share in shares.items()},
            u_mse=_mean(squared[chosen, 0][right]), v_mse=_mean(squared[chosen, 1][right]),
            geodesic_error=_mean(distance[right]), geodesic_error_found=_mean(distance[found]),
            point_score=_mean(scores[chosen])))
    return PointErrors(names=names, **{name: np.array([r[name] for r in rows])
                                       for name in PointErrors._fields[1:]})


def confusion_matrix(readings: PointReadings) -> np.ndarray:
    """Return (24, 25) int64: how many points of surface row + 1 were found on surface column."""
    size = NUM_SURFACES + 1
    codes = readings.surfaces * size + readings.predicted_surfaces
    return np.bincount(codes, minlength=size ** 2).reshape(size, size)[1:]


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else np.nan
