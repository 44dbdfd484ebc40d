"""Part segmentation read off dense poses: the figures of CIHP and MHP.

Whom it counts: persons with 14 part masks (``dp_masks``), of which the image holds a pixel. An
image without any is left out. In the others, a person without part masks is neither to be found
nor background: a detection whose box overlaps it more than anybody else is left out, and its
pixels (``segmentation``, or its one mask) do not count in the figures over pixels, unless a
person with part masks covers them.

Letters: D detections and G persons of an image, C = 15 classes with background, T thresholds.

Source: the paper's Table IV. AP and PCP: Zhao et al., Understanding Humans in Crowded Scenes,
2018 (MHP v2), and its evaluation code; the mean IoU over pixels, with detections painted from a
score of 0.3 on: the CIHP benchmark as part-parsing networks report it.
"""
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from ktn_mm.evaluation.detection import Detection
from ktn_mm.evaluation.ground_truth import GroundTruth, Image, Person
from ktn_mm.evaluation.masks import PlacedMap, overlap, person_mask, place
from ktn_mm.evaluation.part_maps import unpack_parts, visible_parts
from ktn_mm.evaluation.point_figures import nearest_persons
from ktn_mm.evaluation.protocol import group_detections
from ktn_mm.surface.charts import NUM_PARTS

NUM_CLASSES = NUM_PARTS + 1
THRESHOLDS = np.arange(1, 10) / 10
"""Mean IoU from which a person counts as found."""
HALF = 4
"""Index of 0.5 in :data:`THRESHOLDS`."""
VOID = 255
"""Pixels that do not count."""


class PartFigures(NamedTuple):
    """The figures in [0, 1]; NaN where nothing was annotated.

    Attributes:
        confusion: (C, C) int64, pixels of the annotated class row predicted as the column.
        ap: (T,) average precision at each of :data:`THRESHOLDS`.
        pcp50: mean over persons of the share of their parts that the detection which found them,
            at 0.5, has with an IoU above 0.5; 0 for a person that was not found.
    """

    confusion: np.ndarray
    ap: np.ndarray
    pcp50: float

    @property
    def iou(self) -> np.ndarray:
        """IoU (C,) of each class over all pixels; NaN for one that occurs nowhere."""
        return class_iou(np.diag(self.confusion), self.confusion.sum(1), self.confusion.sum(0))

    def to_dict(self) -> dict[str, float]:
        """Return the figures as the metric reports them, -1 where there is none."""
        annotated = self.confusion.sum(1)
        known = annotated > 0
        accuracy = np.diag(self.confusion)[known] / annotated[known]
        figures = {'parts/AP': self.ap.mean(), 'parts/AP50': self.ap[HALF],
                   'parts/PCP50': self.pcp50, 'parts/mIoU': nanmean(self.iou),
                   'parts/mAcc': nanmean(accuracy)}
        return {name: -1. if np.isnan(v) else float(v) for name, v in figures.items()}


class _ImageParts(NamedTuple):
    """One image's share; detections by falling score.

    Attributes:
        confusion: (C, C).
        persons: how many there were to find.
        scores: (D,).
        found: (D, T) whether the detection found a person that none before it had.
        parts_right: (D,) share of that person's parts, where found at 0.5.
    """

    confusion: np.ndarray
    persons: int
    scores: np.ndarray
    found: np.ndarray
    parts_right: np.ndarray


def part_figures(ground_truth: GroundTruth, detections: list[Detection], *,
                 min_score: float = 0.3) -> PartFigures:
    """Score the parts of detections.

    AP and PCP take all detections that GPS takes: the best 20 of an image, outside ignore
    regions. The detections are sorted by score over all images. Each takes the person of whom it
    has the greatest mean IoU (over the classes that either has, background of the whole image
    among them); it is right if that exceeds the threshold and no better detection took the
    person. AP is the area under the curve of precision, made to fall.

    The confusion counts pixels of one label map an image: detections from ``min_score`` on are
    painted over each other, that of the highest score on top.

    Args:
        ground_truth: the annotation.
        detections: measured with ``parts=True``.
        min_score: the lowest score that is painted.

    Raises:
        ValueError: if a detection was measured without parts or its image is not annotated.
    """
    grouped = group_detections(ground_truth, detections)
    images = [image for image_id, persons in ground_truth.persons.items()
              if (image := _image_parts(grouped[image_id], persons,
                                        ground_truth.images[image_id], min_score,
                                        truncates=ground_truth.rules.truncates))]
    wanted = sum(i.persons for i in images)
    confusion = np.sum([np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64),
                        *(i.confusion for i in images)], 0)
    if not wanted:
        return PartFigures(confusion, np.full(len(THRESHOLDS), np.nan), np.nan)
    order = np.argsort(-np.concatenate([i.scores for i in images]), kind='stable')
    found = np.concatenate([i.found for i in images])[order]
    ap = [average_precision(found[:, t], wanted) for t in range(len(THRESHOLDS))]
    right = np.concatenate([i.parts_right for i in images])
    return PartFigures(confusion, np.array(ap), float(right.sum() / wanted))


def class_iou(common: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return common / (a + b - common), NaN where both are empty."""
    union = a + b - common
    return np.where(union > 0, common / np.maximum(union, 1), np.nan)


def average_precision(right: np.ndarray, wanted: int) -> float:
    """Return the area under precision over recall.

    Args:
        right: (N,) whether each detection is right, by falling score.
        wanted: how many persons there were to find, at least 1.
    """
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(precision[np.asarray(right, bool)].sum() / wanted)


def nanmean(values: np.ndarray) -> float:
    """Return the mean of what is not NaN; NaN of nothing, without a warning."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan


def _image_parts(found: list[Detection], persons: list[Person], image: Image,
                 min_score: float, *, truncates: bool) -> _ImageParts | None:
    """Compare an image's detections with its persons; None if no person has parts."""
    size = image.height, image.width
    maps = [visible_parts(p, image, truncates=truncates) for p in persons]
    if all(m is None for m in maps):
        return None
    box_iou = overlap([d.box for d in found], [p.box for p in persons],
                      np.array([p.crowd for p in persons], bool))
    found = [d for d, owner in zip(found, nearest_persons(box_iou), strict=True)
             if owner < 0 or maps[owner] is not None]
    if any(d.parts is None for d in found):
        raise ValueError(f'image {image.id}: a detection was measured without parts=True, which '
                         'part segmentation needs')
    truth = [m for m in maps if m is not None]
    predicted = [place(unpack_parts(d.parts, d.box), d.box, *size, truncates=truncates)
                 for d in found]
    canvas = np.zeros(size, np.uint8)
    for person, own in zip(persons, maps, strict=True):
        if own is None:
            canvas[mask_utils.decode(person_mask(person, image, truncates=truncates)) > 0] = VOID
    painted = [m for m, d in zip(predicted, found, strict=True) if d.score >= min_score]
    hits, parts_right = _match(truth, predicted, image.height * image.width)
    return _ImageParts(
        confusion=_confusion(_paint(truth, canvas), _paint(painted[::-1], np.zeros_like(canvas))),
        persons=len(truth), scores=np.array([d.score for d in found], np.float64),
        found=hits, parts_right=parts_right)


def _paint(maps: list[PlacedMap], canvas: np.ndarray) -> np.ndarray:
    """Paint part maps into an image's map, in place, the last one on top."""
    for one in maps:
        canvas[one.window][one.map > 0] = one.map[one.map > 0]
    return canvas


def _confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    counts = truth != VOID
    codes = truth[counts].astype(np.int64) * NUM_CLASSES + predicted[counts]
    return np.bincount(codes, minlength=NUM_CLASSES ** 2).reshape(NUM_CLASSES, NUM_CLASSES)


def _match(truth: list[PlacedMap], predicted: list[PlacedMap],
           pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each detection found a person (D, T), and the share of its parts (D,)."""
    areas = [np.bincount(m.map.ravel(), minlength=NUM_CLASSES) for m in truth]
    found = np.zeros((len(predicted), len(THRESHOLDS)), bool)
    parts_right = np.zeros(len(predicted))
    taken = np.zeros((len(truth), len(THRESHOLDS)), bool)
    for d, own in enumerate(predicted):
        area = np.bincount(own.map.ravel(), minlength=NUM_CLASSES)
        iou = np.stack([_iou(own, area, *one, pixels)
                        for one in zip(truth, areas, strict=True)])
        means = np.array([nanmean(row) for row in iou])
        best = means.argmax()
        found[d] = (means[best] > THRESHOLDS) & ~taken[best]
        taken[best] |= found[d]
        if found[d, HALF]:
            parts = areas[best][1:] > 0
            parts_right[d] = (iou[best, 1:][parts] > 0.5).mean()
    return found, parts_right


def _iou(a: PlacedMap, area_a: np.ndarray, b: PlacedMap, area_b: np.ndarray,
         pixels: int) -> np.ndarray:
    """Return the IoU (C,) of each class of two maps in an image of so many pixels."""
    top, left = max(a.top, b.top), max(a.left, b.left)
    bottom = min(a.top + a.map.shape[0], b.top + b.map.shape[0])
    right = min(a.left + a.map.shape[1], b.left + b.map.shape[1])
    common = np.zeros(NUM_CLASSES, np.int64)
    both = 0
    if bottom > top and right > left:
        mine, other = (m.map[top - m.top:bottom - m.top, left - m.left:right - m.left]
                       for m in (a, b))
        common = np.bincount(mine[mine == other], minlength=NUM_CLASSES)
        both = int(((mine > 0) & (other > 0)).sum())
    area_a, area_b = area_a.copy(), area_b.copy()
    area_a[0], area_b[0] = pixels - area_a[1:].sum(), pixels - area_b[1:].sum()
    common[0] = area_a[0] + area_b[0] - (pixels - both)
    return class_iou(common, area_a, area_b)
