"""Which of a detection's answers costs how much: replace them by the truth, one after another.

The ladder replaces, for the person that a detection's box overlaps most:

- mask: GPSm's mask becomes the annotated one, as far as the detection's box reaches. A point on
  which the detection has background takes I, U and V from its nearest foreground pixel, since
  what a network saw under its own mask is in no result.
- surface: I of every point in the box becomes the annotated one. U and V stay those that were
  predicted for the surface that was chosen. A network that has U and V for each surface might do
  better, so rows with a replaced surface and a predicted U or V are lower bounds.
- U, V: become the annotated ones. On a wrong surface they are read as its coordinates.

Points outside the box stay missed in every row, missed persons stay missed and false detections
stay false: what the last row lacks of 1 is the detector's. What a detection says of other
persons stays as it is.

Letters: D detections and G persons of an image, P points of all its persons, M points of all
detections' own persons, L rows of the ladder.

Source: the paper's Appendix D and Table XV, which replaces the outputs of the network itself.
"""
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from ktn_mm.evaluation.coco_ap import (
    Verdict,
    match,
    precision_recall,
    score_thresholds,
    summarise,
)
from ktn_mm.evaluation.detection import Detection
from ktn_mm.evaluation.gps import Surface, point_pixels, point_scores, sample_vertices
from ktn_mm.evaluation.ground_truth import GroundTruth, Person
from ktn_mm.evaluation.masks import place
from ktn_mm.evaluation.picture import picture_size
from ktn_mm.evaluation.point_figures import nearest_persons
from ktn_mm.evaluation.prepared import PreparedTruth
from ktn_mm.evaluation.protocol import PORTION, Similarities, image_table

LADDER = (
    ('nothing', ''), ('mask', 'm'), ('mask, U, V', 'muv'), ('mask, surface', 'ms'),
    ('mask, surface, V', 'msv'), ('mask, surface, U', 'msu'), ('mask, surface, U, V', 'msuv'))
"""Name of a row, and what it replaces: m mask, s surface, u, v."""
FIGURES = ('AP', 'AP50', 'AP75')
KINDS = 'GPS', 'GPSm'


class Bottleneck(NamedTuple):
    """The ladder.

    Attributes:
        rows: (L,) names of what is replaced.
        gps: (L, 3) AP, AP50 and AP75 of GPS, NaN where there is nobody to find.
        gpsm: (L, 3) the same of GPSm.
    """

    rows: tuple[str, ...]
    gps: np.ndarray
    gpsm: np.ndarray


class OwnPoints(NamedTuple):
    """The points of the person that each detection overlaps most, in its box or not.

    Attributes:
        point: (M,) number of the annotated point, over the whole data set.
        inside: (M,) whether it lies in the box.
        filled: (M, 3) uint8 I, U, V of the nearest foreground.
    """

    point: np.ndarray
    inside: np.ndarray
    filled: np.ndarray


def bottleneck(ground_truth: GroundTruth, grouped: dict[int, list[Detection]],
               similarities: dict[int, Similarities], truth: PreparedTruth,
               surface: Surface) -> Bottleneck:
    """Score the detections once for each row of :data:`LADDER`.

    Args:
        ground_truth: the annotation.
        grouped: image -> detections that count, by falling score, measured with ``filled``.
        similarities: image -> how they compare as they are.
        truth: the annotation's vertices and masks.
        surface: distances on the body.
    """
    owners = {i: own_persons(s.box_iou, ground_truth.persons[i])
              for i, s in similarities.items()}
    scores = _ladder_scores(ground_truth, gather_points(ground_truth, grouped, owners), truth,
                            surface)
    rules = ground_truth.rules
    tables, start = [], 0
    for image_id, persons in ground_truth.persons.items():
        found, own = grouped[image_id], owners[image_id]
        gps, mask_iou = (np.repeat(v[None], len(LADDER), 0) for v in similarities[image_id][:2])
        for g in np.unique(own[own >= 0]):
            mask = np.ascontiguousarray(mask_utils.decode(truth.masks[image_id][g]), bool)
            for d in np.flatnonzero(own == g):
                mask_iou[1:, d, g] = reachable_iou(mask, found[d].box, crowd=persons[g].crowd,
                                                   truncates=rules.truncates)
        for d in np.flatnonzero(own >= 0):
            stop = start + len(persons[own[d]].points)
            if stop > start:
                gps[1:, d, own[d]] = scores[1:, start:stop].mean(1)
            start = stop
        table = image_table(found, persons, similarities[image_id], KINDS, rules)
        tables.append(table._replace(
            similarity=np.concatenate([gps, np.sqrt(gps * mask_iou)])))
    thresholds = score_thresholds()
    verdicts = match(tables, thresholds, rules)
    values = np.zeros((2 * len(LADDER), len(FIGURES)))
    for k in range(len(values)):  # one by one, since curves of all would take half a gigabyte
        own = [Verdict(v.matched[k:k + 1], v.ignored[k:k + 1], v.wanted) for v in verdicts]
        precision, recall = precision_recall([t.scores for t in tables], own)
        figures = summarise(precision[0], recall[0], thresholds)
        values[k] = [figures[name] for name in FIGURES]
    values[values < 0] = np.nan
    return Bottleneck(tuple(name for name, _ in LADDER), *np.split(values, 2))


def own_persons(box_iou: np.ndarray, persons: list[Person]) -> np.ndarray:
    """Return the person (D,) whose truth replaces what a detection says, -1 for none.

    None where the box overlaps nobody, or most of all a person without dense annotation.

    Args:
        box_iou: (D, G).
        persons: G persons.
    """
    own = nearest_persons(box_iou)
    annotated = np.array([p.annotated for p in persons] + [False])
    return np.where(annotated[own], own, -1)


def gather_points(ground_truth: GroundTruth, grouped: dict[int, list[Detection]],
                  owners: dict[int, np.ndarray]) -> OwnPoints:
    """Collect the points of the person that each detection overlaps most.

    Args:
        ground_truth: the annotation, which numbers the points.
        grouped: image -> D detections.
        owners: image -> (D,) person of each, -1 for none.

    Raises:
        ValueError: if a detection was measured without ``filled``.
    """
    rows, start = [], 0
    for image_id in ground_truth.images:
        points = ground_truth.points(image_id)
        ends = np.cumsum([0, *points.counts])
        for detection, g in zip(grouped[image_id], owners[image_id], strict=True):
            if detection.filled is None:
                raise ValueError(f'image {image_id}: a detection was measured without '
                                 'filled=True, which the bottleneck table needs')
            if g < 0:
                continue
            own = np.arange(ends[g], ends[g + 1])
            inside = point_pixels(points.positions[own], detection.box,
                                  picture_size(detection.box),
                                  truncates=ground_truth.rules.truncates)[1]
            rows.append((start + own, inside, detection.filled[own]))
        start += ends[-1]
    if not rows:
        return OwnPoints(np.zeros(0, np.int64), np.zeros(0, bool), np.zeros((0, 3), np.uint8))
    return OwnPoints(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def reachable_iou(mask: np.ndarray, box: np.ndarray, *, crowd: bool, truncates: bool) -> float:
    """Return the IoU of a person's mask with the part of it that a detection's box holds.

    Args:
        mask: (height, width) bool of the image.
        box: (4,) x, y, w, h of the detection.
        crowd: whether the IoU is the share of the detection's mask, as for crowds.
        truncates: see :func:`ktn_mm.evaluation.masks.paste`.
    """
    shown = place(np.ones(picture_size(box), np.uint8), box, *mask.shape, truncates=truncates)
    inside = np.count_nonzero(mask[shown.window])
    return inside / np.count_nonzero(mask) if inside and not crowd else float(inside > 0)


def _ladder_scores(ground_truth: GroundTruth, own: OwnPoints, truth: PreparedTruth,
                   surface: Surface) -> np.ndarray:
    """Return the points' scores (L, M); row 0, which replaces nothing, is left at 0."""
    points = [ground_truth.points(i) for i in ground_truth.images]
    true_surface = np.concatenate([p.surfaces for p in points])
    true_uv = np.concatenate([p.uv for p in points])
    true_vertex = np.concatenate([truth.vertices[i] for i in ground_truth.images])
    scores = np.zeros((len(LADDER), len(own.point)))
    for start in range(0, len(own.point), PORTION):
        some = OwnPoints(*(column[start:start + PORTION] for column in own))
        annotated = true_surface[some.point]
        for row, (_, replaced) in enumerate(LADDER):
            if not replaced:
                continue
            surfaces = annotated if 's' in replaced else some.filled[:, 0].astype(np.int64)
            vertex = _lookup(surface, surfaces, some, true_uv, 'u' in replaced, 'v' in replaced)
            vertex[~some.inside] = -1
            distance = surface.distance(true_vertex[some.point], vertex)
            scores[row, start:start + PORTION] = point_scores(distance, annotated)
    return scores


def _lookup(surface: Surface, surfaces: np.ndarray, own: OwnPoints, true_uv: np.ndarray,
            true_u: bool, true_v: bool) -> np.ndarray:
    """Return the vertices (M,) of surfaces with U and V, each the true or the filled one.

    Every distinct question is asked once; true coordinates are told apart by their point.
    """
    if not (true_u or true_v):
        return sample_vertices(surface, np.column_stack([surfaces, own.filled[:, 1:]]))
    columns = [own.filled[:, 1 + k].astype(np.int64) for k in range(2)]
    code = own.point << 5 | surfaces
    for given, column in zip((true_u, true_v), columns, strict=True):
        if not given:
            code = code << 8 | column
    _, first, where = np.unique(code, return_index=True, return_inverse=True)
    uv = np.stack([true_uv[own.point[first], k] if given else columns[k][first] / 255.
                   for k, given in enumerate((true_u, true_v))], -1)
    return surface.nearest_vertex(surfaces[first], uv)[where.reshape(-1)]
