"""Read the boxes that a detector wrote."""
from typing import NamedTuple

import numpy as np
from mmengine.fileio import exists, load


class DetectedBox(NamedTuple):
    """One entry of a COCO detection file.

    Attributes:
        image_id: of the image that it was found in.
        category_id: what it was taken for.
        box: (4,) float64 x, y, w, h.
        score: confidence.
    """

    image_id: int | str
    category_id: int | str
    box: np.ndarray
    score: float


def read_detections(path: str) -> list[DetectedBox]:
    """Read a COCO detection file, as mmdet and mmpose write it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, or empty; names the entry, the field and the value.
    """
    if not exists(path):
        raise FileNotFoundError(f'box file {path!r} does not exist')
    try:
        detections = load(path)
    except ValueError as error:
        raise ValueError(f'{path}: not a json file ({error})') from error
    if not isinstance(detections, list):
        raise ValueError(f'{path}: not a list of detections but a {type(detections).__name__}')
    if not detections:
        raise ValueError(f'{path}: no detections in the file')
    return [_read(detection, f'{path}: detection {index}')
            for index, detection in enumerate(detections)]


def _read(detection: dict, where: str) -> DetectedBox:
    if not isinstance(detection, dict):
        raise ValueError(f'{where} is a {type(detection).__name__}, not a dict')
    for field in ('image_id', 'category_id', 'bbox', 'score'):
        if field not in detection:
            raise ValueError(f'{where}: {field} is missing')
    for field in ('image_id', 'category_id'):
        if not isinstance(detection[field], (int, float, str)):
            raise ValueError(f'{where}: {field} = {detection[field]!r} is neither a number nor '
                             'text')
    try:
        box = np.asarray(detection['bbox'], np.float64)
    except (TypeError, ValueError):
        box = np.zeros(0)
    # Some detectors append the score to the box.
    if box.shape not in ((4,), (5,)) or not np.isfinite(box).all():
        raise ValueError(f'{where}: bbox = {detection["bbox"]!r} is not four finite numbers')
    try:
        score = float(detection['score'])
    except (TypeError, ValueError):
        score = np.nan
    if not np.isfinite(score):
        raise ValueError(f'{where}: score = {detection["score"]!r} is no finite number')
    return DetectedBox(detection['image_id'], detection['category_id'], box[:4], score)
