"""Why detections score what they score: errors at points, confusion, and the bottleneck table."""
from dataclasses import dataclass
from typing import Any

import numpy as np

from ktn_mm.evaluation.bottleneck import FIGURES, Bottleneck, bottleneck
from ktn_mm.evaluation.detection import Detection
from ktn_mm.evaluation.gps import Surface, sample_vertices
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.point_errors import (
    GROUPINGS,
    PointErrors,
    PointReadings,
    confusion_matrix,
    point_errors,
)
from ktn_mm.evaluation.point_figures import nearest_detections, read_samples
from ktn_mm.evaluation.prepared import PreparedTruth, prepare
from ktn_mm.evaluation.protocol import Similarities, compare, group_detections, point_tables


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What :func:`diagnose` found.

    Attributes:
        persons: how many annotated persons there are.
        missed_persons: those of them that no detection's box touches.
        detections: how many detections counted, at most 20 an image.
        errors: name of a table, as in
            :data:`~ktn_mm.evaluation.point_errors.GROUPINGS` -> the table.
        confusion: (24, 25) int64, points of surface row + 1 found on surface column.
        bottleneck: AP with answers replaced by the truth.
    """

    persons: int
    missed_persons: int
    detections: int
    errors: dict[str, PointErrors]
    confusion: np.ndarray
    bottleneck: Bottleneck

    def to_dict(self) -> dict[str, Any]:
        """Return everything as lists and numbers for JSON, None for what has no value."""
        tables = {name: [dict(name=row_name, **{key: _plain(column[row]) for key, column
                                                in zip(table._fields[1:], table[1:])})
                         for row, row_name in enumerate(table.names)]
                  for name, table in self.errors.items()}
        ladder = [{'replaced': row,
                   **{f'{kind}/{name}': _plain(values[r, f])
                      for kind, values in (('GPS', self.bottleneck.gps),
                                           ('GPSm', self.bottleneck.gpsm))
                      for f, name in enumerate(FIGURES)}}
                  for r, row in enumerate(self.bottleneck.rows)]
        return dict(persons=self.persons, missed_persons=self.missed_persons,
                    detections=self.detections, **tables, bottleneck=ladder,
                    confusion=self.confusion.tolist())


def diagnose(ground_truth: GroundTruth, detections: list[Detection],
             surface: Surface) -> Diagnosis:
    """Find out why detections score what they score.

    At its points each annotated person is read from the detection whose box overlaps it most;
    the points of a person that no box touches count as not found.

    Args:
        ground_truth: the annotation.
        detections: of any images of it, measured with ``filled=True``.
        surface: distances on the body.

    Raises:
        ValueError: if a detection was measured without ``filled`` or its image is not annotated.
    """
    grouped = group_detections(ground_truth, detections)
    truth = prepare(ground_truth, surface)
    scores = point_tables(ground_truth, grouped, truth, surface)
    similarities = {
        image_id: compare(grouped[image_id], persons, truth.masks[image_id], scores[image_id])
        for image_id, persons in ground_truth.persons.items()}
    readings, missed = read_points(ground_truth, grouped, similarities, truth, surface)
    return Diagnosis(
        persons=sum(p.annotated for persons in ground_truth.persons.values() for p in persons),
        missed_persons=missed, detections=sum(map(len, grouped.values())),
        errors={name: point_errors(readings, name) for name in GROUPINGS},
        confusion=confusion_matrix(readings),
        bottleneck=bottleneck(ground_truth, grouped, similarities, truth, surface))


def read_points(ground_truth: GroundTruth, grouped: dict[int, list[Detection]],
                similarities: dict[int, Similarities], truth: PreparedTruth,
                surface: Surface) -> tuple[PointReadings, int]:
    """Read every annotated point from its person's detection.

    Args:
        ground_truth: the annotation.
        grouped: image -> detections that count.
        similarities: image -> how they compare.
        truth: the annotation's vertices.
        surface: distances on the body.

    Returns:
        All points, and how many annotated persons no detection touches.
    """
    samples, missed = [np.zeros((0, 3), np.uint8)], 0
    for image_id, persons in ground_truth.persons.items():
        nearest = nearest_detections(similarities[image_id].box_iou)
        counts = ground_truth.points(image_id).counts
        samples.append(read_samples(grouped[image_id], np.repeat(nearest, counts)))
        missed += sum(p.annotated and d < 0
                      for p, d in zip(persons, nearest.tolist(), strict=True))
    predicted = np.concatenate(samples)
    points = [ground_truth.points(i) for i in ground_truth.images]
    distance = surface.distance(np.concatenate([truth.vertices[i] for i in ground_truth.images]),
                                sample_vertices(surface, predicted))
    return PointReadings(np.concatenate([p.surfaces for p in points]),
                         np.concatenate([p.uv for p in points]), predicted[:, 0].astype(np.int64),
                         predicted[:, 1:] / 255., distance), missed


def _plain(value: np.generic) -> int | float | None:
    """Return a number for JSON, None for NaN and infinity, which JSON lacks."""
    return value.item() if np.isfinite(value) else None
