"""The whole evaluation in one pass: GPS, GPSm and mask IoU share every intermediate.

Letters: D detections and G persons of an image, P points of all its persons.
"""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from ktn_mm.evaluation.coco_ap import (
    ImageTable,
    match,
    precision_recall,
    score_thresholds,
    summarise,
)
from ktn_mm.evaluation.detection import Detection
from ktn_mm.evaluation.gps import Surface, person_gps, point_scores, sample_vertices
from ktn_mm.evaluation.ground_truth import GroundTruth, Person
from ktn_mm.evaluation.ignore_regions import keeps_mask, region_mask
from ktn_mm.evaluation.masks import overlap
from ktn_mm.evaluation.point_figures import nearest_detections, point_figures, read_samples
from ktn_mm.evaluation.prepared import PreparedTruth, prepare
from ktn_mm.evaluation.rules import Rules

KINDS = ('GPS', 'GPSm', 'segm')
"""GPS; its geometric mean with the mask IoU; the mask IoU alone."""
MAX_DETECTIONS = 20
"""How many detections of an image count, by falling score."""
PORTION = 1 << 20
"""About how many points are measured at once."""


class Similarities(NamedTuple):
    """Detections against persons of one image, each (D, G) float64 in [0, 1]."""

    gps: np.ndarray
    mask_iou: np.ndarray
    box_iou: np.ndarray

    def of(self, kind: str) -> np.ndarray:
        """Return the similarity of one of :data:`KINDS`."""
        return {'GPS': self.gps, 'GPSm': np.sqrt(self.gps * self.mask_iou),
                'segm': self.mask_iou}[kind]


def evaluate(ground_truth: GroundTruth, detections: list[Detection], surface: Surface, *,
             kinds: tuple[str, ...] = KINDS, min_threshold: float = 0.5) -> dict[str, float]:
    """Score detections against the annotation.

    Every image of the annotation counts, with or without detections.

    Args:
        ground_truth: the annotation.
        detections: of any images of it, in the order that decides among equal scores.
        surface: distances on the body.
        kinds: which of :data:`KINDS` to report.
        min_threshold: the lowest threshold of AP.

    Returns:
        ``'GPS/AP'`` and so on for each kind, as
        :func:`ktn_mm.evaluation.coco_ap.summarise` names them; ``'mean_GPS'`` of the
        annotated persons and the figures of
        :func:`ktn_mm.evaluation.point_figures.point_figures`, each person read from the
        detection whose box overlaps it most. All floats; -1 for what has no value, and for
        everything if there is no detection at all.

    Raises:
        ValueError: if a kind is unknown or a detection's image is not annotated.
    """
    check_kinds(kinds)
    thresholds = score_thresholds(min_threshold)
    grouped = group_detections(ground_truth, detections)
    truth = prepare(ground_truth, surface)
    points = point_tables(ground_truth, grouped, truth, surface)

    tables, nearest_gps, nearest_surfaces = [], [], []
    for image_id, persons in ground_truth.persons.items():
        found = grouped[image_id]
        similarities = compare(found, persons, truth.masks[image_id], points[image_id])
        tables.append(image_table(found, persons, similarities, kinds, ground_truth.rules))
        counts = ground_truth.points(image_id).counts
        nearest = nearest_detections(similarities.box_iou)
        nearest_gps.extend(similarities.gps[d, g] if d >= 0 else 0.
                           for g, d in enumerate(nearest) if counts[g])
        nearest_surfaces.append(read_samples(found, np.repeat(nearest, counts))[:, 0])

    verdicts = match(tables, thresholds, ground_truth.rules)
    precision, recall = precision_recall([t.scores for t in tables], verdicts)
    figures = {f'{kind}/{name}': value for k, kind in enumerate(kinds)
               for name, value in summarise(precision[k], recall[k], thresholds).items()}
    figures['mean_GPS'] = float(np.mean(nearest_gps)) if nearest_gps else -1.
    annotated = [ground_truth.points(i).surfaces for i in ground_truth.images]
    figures.update(point_figures(np.concatenate(nearest_surfaces), np.concatenate(annotated)))
    return figures if len(detections) else dict.fromkeys(figures, -1.)


def check_kinds(kinds: tuple[str, ...]) -> None:
    """Raise ValueError unless kinds are some of :data:`KINDS`."""
    if not kinds or isinstance(kinds, str) or set(kinds) - set(KINDS):
        raise ValueError(f'kinds must be some of {KINDS}, got {kinds!r}')


def group_detections(ground_truth: GroundTruth,
                     detections: list[Detection]) -> dict[int, list[Detection]]:
    """Return the detections that count, for every image, by falling score.

    Leaves out what lies in ignore regions, then all but the best 20 of an image.
    """
    grouped = {image_id: [] for image_id in ground_truth.images}
    for detection in detections:
        if detection.image_id not in grouped:
            raise ValueError(f'detection in image {detection.image_id}, which is not in '
                             f'{ground_truth.source}')
        grouped[detection.image_id].append(detection)
    for image_id, found in grouped.items():
        image = ground_truth.images[image_id]
        if image.regions and found:
            region = region_mask(image)
            drops_empty = ground_truth.rules.drops_empty_boxes
            found = [d for d in found
                     if keeps_mask(region, d.mask, d.box, drops_empty=drops_empty)]
        grouped[image_id] = sorted(found, key=lambda d: -d.score)[:MAX_DETECTIONS]
    return grouped


def point_tables(ground_truth: GroundTruth, grouped: dict[int, list[Detection]],
                 truth: PreparedTruth, surface: Surface) -> dict[int, np.ndarray]:
    """Return the score (D, P) of every annotated point by every detection, for each image."""
    samples = [d.samples for found in grouped.values() for d in found]
    predicted = sample_vertices(surface, np.concatenate(samples)) if samples else \
        np.zeros(0, np.int64)
    sizes = {i: (len(found), len(truth.vertices[i])) for i, found in grouped.items()}
    tables, start = {}, 0
    for image_ids in _portions(sizes):
        annotated = np.concatenate([np.tile(truth.vertices[i], sizes[i][0]) for i in image_ids])
        surfaces = np.concatenate([np.tile(ground_truth.points(i).surfaces, sizes[i][0])
                                   for i in image_ids])
        distance = surface.distance(annotated, predicted[start:start + len(annotated)])
        start += len(annotated)
        ends = np.cumsum([d * p for d, p in (sizes[i] for i in image_ids)])
        scores = np.split(point_scores(distance, surfaces), ends[:-1])
        for image_id, table in zip(image_ids, scores, strict=True):
            tables[image_id] = table.reshape(sizes[image_id])
    return tables


def _portions(sizes: dict[int, tuple[int, int]]) -> Iterator[list[int]]:
    """Cut images into runs of about :data:`PORTION` points."""
    portion, total = [], 0
    for image_id, (detections, points) in sizes.items():
        portion.append(image_id)
        total += detections * points
        if total >= PORTION:
            yield portion
            portion, total = [], 0
    if portion:
        yield portion


def compare(found: list[Detection], persons: list[Person], masks: list[dict],
            points: np.ndarray) -> Similarities:
    """Compare all detections of an image with all its persons.

    Args:
        found: D detections.
        persons: G persons.
        masks: their G masks.
        points: (D, P) score of every point by every detection.
    """
    crowd = np.array([p.crowd for p in persons], bool)
    return Similarities(
        gps=person_gps(points, [len(p.points) for p in persons]),
        mask_iou=overlap([d.mask for d in found], masks, crowd),
        box_iou=overlap([d.box for d in found], [p.box for p in persons], crowd))


def image_table(found: list[Detection], persons: list[Person], similarities: Similarities,
                kinds: tuple[str, ...], rules: Rules) -> ImageTable:
    """Gather what matching needs of an image; see :func:`compare`."""
    annotated = np.array([p.annotated and (rules.wants_all or len(p.points) > 0)
                          for p in persons], bool)
    crowd = np.array([p.crowd for p in persons], bool)
    return ImageTable(
        scores=np.array([d.score for d in found], np.float64),
        similarity=np.stack([similarities.of(kind) for kind in kinds]),
        box_iou=similarities.box_iou,
        found_area=_areas(found, rules),
        area=np.array([p.area for p in persons], np.float64),
        ignored=np.array([not rules.wants(p) for p in persons], bool),
        excuses=~annotated,
        crowd=crowd,
        counts=np.array([p.id != rules.uncounted_id for p in persons], bool))


def _areas(found: list[Detection], rules: Rules) -> np.ndarray:
    """Return the area (D,) float64 of detections in pixels."""
    if rules.box_area:
        return np.array([d.box[2] * d.box[3] for d in found], np.float64)
    return np.array([mask_utils.area(d.mask) for d in found], np.float64)
