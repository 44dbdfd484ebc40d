"""What is odd about an evaluation and should be said with its figures."""
from collections.abc import Sequence

from ktn_mm.evaluation.detection import Detection
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.masks import lies_outside


def oddities(ground_truth: GroundTruth, detections: Sequence[Detection]) -> list[str]:
    """Return a sentence for everything that deserves a warning.

    No detection at all, detections wholly outside their image, annotation ids that occur twice,
    annotation id 0.
    """
    images = ground_truth.images
    outside = sum(lies_outside(d.box, images[d.image_id].height, images[d.image_id].width)
                  for d in detections)
    twice = ground_truth.duplicate_ids
    zero = any(p.id == 0 for persons in ground_truth.persons.values() for p in persons)
    way = ('treated as the reference does' if ground_truth.compat
           else 'each annotation counts for itself')
    return [sentence for odd, sentence in (
        (not detections, 'no dense pose to evaluate; all figures are -1'),
        (outside, f'{outside} detections lie wholly outside their image; their mask IoU is 0'),
        (twice, f'{len(twice)} annotation ids occur twice ({", ".join(map(str, twice[:5]))}'
                f'{", ..." if len(twice) > 5 else ""}); {way}'),
        (zero, f'an annotation has id 0; {way}')) if odd]
