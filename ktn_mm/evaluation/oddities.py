"""What is odd about an evaluation and should be said with its figures."""
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ktn_mm.evaluation.detection import Detection
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.masks import lies_outside
from ktn_mm.structures.dense_annotation import FRAME, POINT_TOLERANCE

EXAMPLES = 3
"""How many annotations are named for a reason."""


def oddities(ground_truth: GroundTruth, detections: Sequence[Detection]) -> list[str]:
    """Return a sentence for everything about annotation and detections to warn of."""
    return annotation_oddities(ground_truth) + detection_oddities(ground_truth, detections)


def annotation_oddities(ground_truth: GroundTruth) -> list[str]:
    """Return a sentence for everything about the annotation that deserves a warning.

    What was left out and why, points of no surface or with U, V out of range or outside their
    box, boxes without area or outside their image, ids that occur twice, annotation id 0.
    """
    persons = [p for people in ground_truth.persons.values() for p in people]
    strays = sum(p.left_out for p in persons)
    beyond = sum(int(((p.uv < 0) | (p.uv > 1)).any(1).sum()) for p in persons)
    outside = sum(int(((p.points < -POINT_TOLERANCE) | (p.points > FRAME + POINT_TOLERANCE))
                      .any(1).sum()) for p in persons)
    unseen = [p.id for image_id, people in ground_truth.persons.items() for p in people
              if p.annotated and (p.box[2:].min() <= 0
                                  or _lies_outside(ground_truth, image_id, p.box))]
    twice, images = ground_truth.duplicate_ids, ground_truth.duplicate_images
    zero = any(p.id == 0 for p in persons)
    way = ('treated as the reference does' if ground_truth.compat
           else 'each annotation counts for itself')
    return _faults(ground_truth) + [sentence for odd, sentence in (
        (strays, f'{strays} points have a dp_I that is none of 1..24; they are left out'),
        (beyond, f'{beyond} points have U or V outside [0, 1]; they are used as they are'),
        (outside, f'{outside} points have dp_x or dp_y outside [0, {FRAME}]; they are used as '
                  'they are'),
        (unseen, f'{len(unseen)} persons have a box without area or outside their image '
                 f'({_some(unseen)}); they are to be found all the same'),
        (images, f'{len(images)} image ids occur twice ({_some(images)}); the last image of an '
                 'id counts'),
        (twice, f'{len(twice)} annotation ids occur twice ({_some(twice)}); {way}'),
        (zero, f'an annotation has id 0; {way}')) if odd]


def detection_oddities(ground_truth: GroundTruth, detections: Sequence[Detection]) -> list[str]:
    """Return a sentence for everything about the detections that deserves a warning.

    If there is none, images with people to be found and without detection, as in a result file
    that is only a part, and detections wholly outside their image.
    """
    found = {d.image_id for d in detections}
    shown = [image_id for image_id, people in ground_truth.persons.items()
             if any(map(ground_truth.rules.wants, people))]
    empty = [image_id for image_id in shown if image_id not in found]
    outside = sum(_lies_outside(ground_truth, d.image_id, d.box) for d in detections)
    return [sentence for odd, sentence in (
        (not detections, 'no dense pose to evaluate; all figures are -1'),
        (detections and empty, f'{len(empty)} of {len(shown)} images with people to be found have '
                               f'no detection ({_some(empty)}); all of these count as missed'),
        (outside, f'{outside} detections lie wholly outside their image; their mask IoU is 0'),
    ) if odd]


def _lies_outside(ground_truth: GroundTruth, image_id: int | str, box: np.ndarray) -> bool:
    image = ground_truth.images[image_id]
    return lies_outside(box, image.height, image.width)


def _some(ids: Sequence) -> str:
    return ', '.join(map(str, ids[:5])) + (', ...' if len(ids) > 5 else '')


def _faults(ground_truth: GroundTruth) -> list[str]:
    """Return a sentence for each reason why something was left out of the annotation."""
    reasons = defaultdict(list)
    for fault in ground_truth.skipped:
        reasons[fault.loss, fault.reason].append(fault)
    sentences = []
    for (loss, reason), faults in sorted(reasons.items(), key=lambda item: -len(item[1])):
        first = '; '.join(f'annotation {f.annotation_id}: {f.detail}' for f in faults[:EXAMPLES])
        more = '; ...' if len(faults) > EXAMPLES else ''
        sentences.append(f'{ground_truth.source}: {len(faults)} x {loss} left out, {reason} '
                         f'({first}{more})')
    return sentences
