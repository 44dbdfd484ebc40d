"""Match detections to persons and summarise as COCO does, with DensePose's rules.

Letters: K similarities (GPS, GPSm, ...), A area ranges, T thresholds, D detections, G persons,
R recall levels, N images that are matched at once (D and G are then those of the largest).

Source: the protocol of COCO's and DensePose's evaluation as detectron2 runs it.
"""
from typing import NamedTuple

import numpy as np

from ktn_mm.evaluation.rules import Rules

AREAS = {'all': (0., 1e10), 'medium': (32. ** 2, 96. ** 2), 'large': (96. ** 2, 1e10)}
"""Area ranges in pixels, both ends included."""
RECALL_LEVELS = np.linspace(0, 1, 101)
BATCH = 128
"""Images matched at once: enough to make numpy's calls cheap, few enough to stay small."""


class ImageTable(NamedTuple):
    """What matching needs of one image; detections by falling score, at most 20.

    Attributes:
        scores: (D,) confidence.
        similarity: (K, D, G) in [0, 1].
        box_iou: (D, G).
        found_area: (D,) area of the detections.
        area: (G,) annotated area of the persons.
        ignored: (G,) persons who need not be found.
        excuses: (G,) persons without dense annotation.
        crowd: (G,) ``iscrowd``: may be matched many times.
        counts: (G,) whether a match with this person counts as a match (all, but for
            the reference's way with annotation id 0).
    """

    scores: np.ndarray
    similarity: np.ndarray
    box_iou: np.ndarray
    found_area: np.ndarray
    area: np.ndarray
    ignored: np.ndarray
    excuses: np.ndarray
    crowd: np.ndarray
    counts: np.ndarray


class Verdict(NamedTuple):
    """The fate of an image's detections.

    Attributes:
        matched: (K, A, T, D) bool.
        ignored: (K, A, T, D) bool; an ignored detection is neither right nor wrong.
        wanted: (A,) how many persons there were to find.
    """

    matched: np.ndarray
    ignored: np.ndarray
    wanted: np.ndarray


def score_thresholds(lowest: float = 0.5) -> np.ndarray:
    """Return the thresholds from ``lowest`` to 0.95 in steps of 0.05.

    Raises:
        ValueError: if ``lowest`` is no multiple of 0.05 in [0.05, 0.5].
    """
    steps = (0.95 - lowest) / 0.05
    if not 0.05 <= lowest <= 0.5 or abs(steps - round(steps)) > 1e-6:
        raise ValueError(f'the lowest threshold must be 0.05, 0.1, ... or 0.5, got {lowest}')
    return np.linspace(lowest, 0.95, round(steps) + 1)


def match(tables: list[ImageTable], thresholds: np.ndarray, rules: Rules) -> list[Verdict]:
    """Decide which detections of each image are right, wrong or ignored.

    As COCO: by falling score, each detection takes the most similar free person at or above
    the threshold, an ignored one only where there is no other; of equals the last one; but
    similarity 0 never matches. Then, as the rules say:

    - box rescue: a detection without match at the last threshold looks for the free person
      whose box overlaps most. If there is one, the detection is ignored or not, at ALL
      thresholds, as that person is; an ignored person is used up by it;
    - free images: where every person of an image is ignored, so is every detection;
    - excuse: a detection without match whose box overlaps that of a person without dense
      annotation is ignored.

    Returns:
        A verdict for each table.
    """
    verdicts = [None] * len(tables)
    order = sorted(range(len(tables)), key=lambda n: tables[n].similarity.shape[1:])
    for start in range(0, len(order), BATCH):
        numbers = order[start:start + BATCH]
        batch = [tables[n] for n in numbers]
        for n, verdict in zip(numbers, _match_batch(batch, thresholds, rules), strict=True):
            verdicts[n] = verdict
    return verdicts


def _match_batch(tables: list[ImageTable], thresholds: np.ndarray,
                 rules: Rules) -> list[Verdict]:
    """Match N images at once; those that are not there match nothing and want nothing."""
    table = _stack(tables)
    num_images, num_kinds, num_detections, num_persons = table.similarity.shape
    limits = np.array(list(AREAS.values()))
    ignored_person = table.ignored[:, None] | _outside(table.area, limits)  # (N, A, G)
    matched = np.zeros((num_images, num_kinds, len(limits), len(thresholds), num_detections), bool)
    ignored = np.zeros_like(matched)
    taken = np.zeros((*matched.shape[:4], num_persons), bool)
    if num_persons:
        _match_by_similarity(table, ignored_person, thresholds, matched, ignored, taken)
        if rules.box_rescue is not None:
            _rescue_by_box(table, ignored_person, rules.box_rescue, matched, ignored, taken)
        if rules.excuse is not None:
            overlaps = (table.box_iou >= rules.excuse) & table.excuses[:, None]
            ignored |= ~matched & overlaps.any(-1)[:, None, None, None]
    if rules.free_images:
        ignored |= ignored_person.all(-1)[:, None, :, None, None]
    ignored |= ~matched & _outside(table.found_area, limits)[:, None, :, None]
    wanted = (~ignored_person).sum(-1)
    return [Verdict(matched[n, ..., :len(t.scores)], ignored[n, ..., :len(t.scores)], wanted[n])
            for n, t in enumerate(tables)]


def _stack(tables: list[ImageTable]) -> ImageTable:
    """Put images on a new first axis; what an image lacks can neither match nor be wanted."""
    padding = ImageTable(scores=0., similarity=-1., box_iou=-1., found_area=0., area=0.,
                         ignored=True, excuses=False, crowd=False, counts=False)
    fields = []
    for values, empty in zip(zip(*tables, strict=True), padding, strict=True):
        shape = np.max([v.shape for v in values], axis=0)
        stacked = np.full((len(values), *shape), empty)
        for place, value in zip(stacked, values, strict=True):
            place[tuple(slice(n) for n in value.shape)] = value
        fields.append(stacked)
    return ImageTable(*fields)


def _outside(areas: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return (N, A, M) whether each of N x M areas lies outside each range."""
    low, high = limits[:, 0, None], limits[:, 1, None]
    return (areas[:, None] < low) | (areas[:, None] > high)


def _match_by_similarity(table, ignored_person, thresholds, matched, ignored, taken) -> None:
    """Fill matched, ignored (N, K, A, T, D) and taken (N, K, A, T, G)."""
    floor = np.minimum(thresholds, 1 - 1e-10)[:, None]
    crowd = table.crowd[:, None, None, None]
    ignored_person = np.broadcast_to(ignored_person[:, None, :, None], taken.shape)
    for detection in range(matched.shape[-1]):
        value = table.similarity[:, :, None, None, detection]
        free = (value >= floor) & (value > 0) & (~taken | crowd)
        wanted = free & ~ignored_person
        choice = np.where(wanted.any(-1, keepdims=True), wanted, free)
        person = _last(_greatest(value, choice))
        hit = np.nonzero(person >= 0)
        person = person[hit]
        taken[(*hit, person)] = True
        matched[(*hit, detection)] = table.counts[hit[0], person]
        ignored[(*hit, detection)] = ignored_person[(*hit, person)]


def _rescue_by_box(table, ignored_person, least, matched, ignored, taken) -> None:
    """Apply the box rule of :func:`match` to what the last threshold left unmatched."""
    taken = taken[:, :, :, -1]  # a view
    crowd = table.crowd[:, None, None]
    ignored_person = np.broadcast_to(ignored_person[:, None], taken.shape)
    for detection in range(matched.shape[-1]):
        overlap = table.box_iou[:, None, None, detection]
        free = (overlap >= least) & (~taken | crowd)
        free &= ~matched[:, :, :, -1, detection, None]
        best = _greatest(overlap, free)
        best_ignored = best & ignored_person
        best = np.where(best_ignored.any(-1, keepdims=True), best_ignored, best)
        person = _last(best)
        hit = np.nonzero(person >= 0)
        person = person[hit]
        lost = ignored_person[(*hit, person)]
        ignored[(*hit, slice(None), detection)] = lost[:, None]
        hit, person = tuple(h[lost] for h in hit), person[lost]
        matched[(*hit, -1, detection)] = table.counts[hit[0], person]
        taken[(*hit, person)] = True


def _greatest(value: np.ndarray, choice: np.ndarray) -> np.ndarray:
    """Narrow a choice (..., G) to its members of the greatest value."""
    value = np.where(choice, value, -1.)
    return choice & (value == value.max(-1, keepdims=True))


def _last(choice: np.ndarray) -> np.ndarray:
    """Return the last member of each choice (..., G), -1 of an empty one."""
    return np.where(choice.any(-1), choice.shape[-1] - 1 - choice[..., ::-1].argmax(-1), -1)


def precision_recall(scores: list[np.ndarray],
                     verdicts: list[Verdict]) -> tuple[np.ndarray, np.ndarray]:
    """Gather all images into curves.

    Args:
        scores: of each image, (D,).
        verdicts: of each image.

    Returns:
        Precision (K, A, T, R) at 101 recall levels, never rising with recall, and the recall
        (K, A, T) reached; -1 where there was no person to find.
    """
    order = np.argsort(-np.concatenate(scores), kind='stable')
    matched = np.concatenate([v.matched for v in verdicts], -1)[..., order]
    ignored = np.concatenate([v.ignored for v in verdicts], -1)[..., order]
    wanted = np.sum([v.wanted for v in verdicts], 0)
    right = np.cumsum(matched & ~ignored, -1, dtype=np.float64)
    wrong = np.cumsum(~matched & ~ignored, -1, dtype=np.float64)
    reached = right / np.maximum(wanted, 1)[:, None, None]
    precise = right / (right + wrong + np.spacing(1))
    precise = np.maximum.accumulate(precise[..., ::-1], -1)[..., ::-1]

    precision = np.zeros((*matched.shape[:3], len(RECALL_LEVELS)))
    recall = np.zeros(matched.shape[:3])
    for index in np.ndindex(recall.shape):
        if not wanted[index[1]]:
            precision[index] = recall[index] = -1
        elif len(order):
            at = np.searchsorted(reached[index], RECALL_LEVELS, side='left')
            known = at < len(order)
            precision[index][known] = precise[index][at[known]]
            recall[index] = reached[index][-1]
    return precision, recall


def summarise(precision: np.ndarray, recall: np.ndarray,
              thresholds: np.ndarray) -> dict[str, float]:
    """Return the figures of one similarity.

    Args:
        precision: (A, T, R).
        recall: (A, T).
        thresholds: (T,).

    Returns:
        AP, AP50, AP75, APM, APL, AR, AR50, AR75, ARM, ARL, and AP20, AP30, AP40 where the
        thresholds go that low; in [0, 1], -1 where there was nothing to find.
    """
    figures = {}
    for name, curves in (('AP', precision), ('AR', recall)):
        figures[name] = _mean(curves[0])
        for percent in (20, 30, 40, 50, 75):
            at = np.abs(thresholds - percent / 100) < 1e-3
            if at.any() and (name == 'AP' or percent >= 50):
                figures[f'{name}{percent}'] = _mean(curves[0, at])
        figures[f'{name}M'] = _mean(curves[list(AREAS).index('medium')])
        figures[f'{name}L'] = _mean(curves[list(AREAS).index('large')])
    return figures


def _mean(values: np.ndarray) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.
