"""Results as records of COCO's result files."""
import numpy as np

from ..evaluation.challenge_json import to_record
from ..evaluation.picture import box_picture
from ..structures import DensePoseResult

PERSON = 1
"""COCO's category of people."""


def challenge_records(result: DensePoseResult, image_id: int) -> list[dict]:
    """Return a record for every person, as DensePose's challenges ask for; each shows its own
    pixels also where somebody stands in front.

    Source: :mod:`ktn_mm.evaluation.challenge_json` tells the fields.
    """
    return [to_record(box_picture(maps.labels, maps.uv, maps.frame, box), box, score, image_id)
            for maps, box, score in zip(result.people, _xywh(result), result.scores)]


def keypoint_records(result: DensePoseResult, image_id: int) -> list[dict]:
    """Return a record of 17 keypoints for every person.

    Each has ``image_id``, ``category_id``, ``bbox`` (x, y, w, h), ``score``, and ``keypoints``:
    17 times x, y, score, in COCO's order.

    Source: COCO's result format for keypoints.
    """
    return [dict(image_id=int(image_id), category_id=PERSON,
                 bbox=[round(float(v), 3) for v in box], score=float(score),
                 keypoints=[round(float(v), 3) for v in np.column_stack([points, certain]).flat])
            for box, score, points, certain in zip(
                _xywh(result), result.scores, result.keypoints, result.keypoint_scores)]


def _xywh(result: DensePoseResult) -> np.ndarray:
    boxes = np.asarray(result.boxes, np.float64)
    return np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
