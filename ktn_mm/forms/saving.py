"""The table of forms, and a result written in one of them."""
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ..structures import DensePoseResult
from ..visualization.painting import (
    draw_boxes,
    overlay,
    paint_contours,
    paint_fine_segmentation,
)
from .records import challenge_records, keypoint_records
from .writing import write_file

Painter = Callable[[DensePoseResult, np.ndarray], np.ndarray]
"""From a result and its IUV picture to an RGB picture of the same size."""


class Form(NamedTuple):
    """One way to write a result.

    Attributes:
        suffix: of the file.
        about: one line for users, with the order of channels.
        paint: makes the picture; None for what is no picture.
        exact: the picture's values mean something and must survive.
    """

    suffix: str
    about: str
    paint: Painter | None = None
    exact: bool = False


def _overlay(result: DensePoseResult, iuv: np.ndarray) -> np.ndarray:
    return draw_boxes(overlay(_picture(result), iuv[..., 0]), result.boxes)


def _contours(result: DensePoseResult, iuv: np.ndarray) -> np.ndarray:
    return paint_contours(_picture(result), iuv)


def _picture(result: DensePoseResult) -> np.ndarray:
    """Return the image in RGB."""
    if result.image is None:
        raise ValueError('this result has no image to draw on')
    return result.image[..., ::-1]


FORMS = {
    'iuv': Form('.png', 'red = I (0 background, 1..24), green = U * 255, blue = V * 255',
                lambda result, iuv: iuv, exact=True),
    'iuv_bgr': Form('.png', 'as detectron2 users write it with OpenCV: red = V * 255, '
                    'green = U * 255, blue = I; cv2.imread gives I, U, V',
                    lambda result, iuv: iuv[..., ::-1], exact=True),
    'overlay': Form('.jpg', 'surfaces and boxes over the picture', _overlay),
    'dp_segm': Form('.png', "surfaces in viridis on its darkest purple, as detectron2's dp_segm "
                    'in vid2densepose, MagicAnimate and ControlNet',
                    lambda result, iuv: paint_fine_segmentation(iuv[..., 0])),
    'dp_segm_parula': Form('.png', 'surfaces in parula on black, the other colouring of '
                           "ControlNet's preprocessors",
                           lambda result, iuv: paint_fine_segmentation(
                               iuv[..., 0], colormap=cv2.COLORMAP_PARULA, black=True)),
    'contours': Form('.jpg', 'contour lines of U and V over the picture', _contours),
    'npz': Form('.npz', 'plain numpy arrays: boxes, scores, keypoints, iuv, who is where, and '
                "every person's maps"),
    'json': Form('.json', "records of DensePose's challenges, IUV of every box as PNG text"),
    'keypoints': Form('.json', "17 keypoints a person, COCO's result format"),
}
"""Name -> form."""

BY_SUFFIX = {'.png': 'iuv', '.jpg': 'overlay', '.jpeg': 'overlay', '.npz': 'npz',
             '.json': 'json'}
"""The form that a file name asks for if nothing else does."""


def encode(result: DensePoseResult, form: str, suffix: str | None = None, *,
           iuv: np.ndarray | None = None, image_id: int = 1) -> bytes:
    """Return a result as the content of a file.

    Args:
        result: of one picture.
        form: one of :data:`FORMS`.
        suffix: of a picture file, by default the form's.
        iuv: ``result.to_image()``, where it is known already.
        image_id: of the records.
    """
    if form == 'npz':
        return _npz(result)
    if form in ('json', 'keypoints'):
        records = challenge_records if form == 'json' else keypoint_records
        return json.dumps(records(result, image_id)).encode()
    picture = FORMS[form].paint(result, result.to_image() if iuv is None else iuv)
    return encode_picture(picture, suffix or FORMS[form].suffix)


def encode_picture(picture: np.ndarray, suffix: str) -> bytes:
    """Return an RGB or RGBA picture as the content of a file."""
    order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    options = [cv2.IMWRITE_JPEG_QUALITY, 92] if suffix in ('.jpg', '.jpeg') else []
    return cv2.imencode(suffix, cv2.cvtColor(np.ascontiguousarray(picture), order),
                        options)[1].tobytes()


def _npz(result: DensePoseResult) -> bytes:
    people = result.people
    arrays = dict(
        boxes=result.boxes, scores=result.scores, keypoints=result.keypoints,
        keypoint_scores=result.keypoint_scores, iuv=result.to_image(),
        person=result.to_maps()[2],
        labels=np.stack([p.labels for p in people]) if people else np.zeros((0, 0, 0), np.uint8),
        uv=np.stack([p.uv for p in people]).astype(np.float16) if people
        else np.zeros((0, 2, 0, 0), np.float16),
        crop_center=np.array([p.frame.center for p in people]).reshape(-1, 2),
        crop_scale=np.array([p.frame.scale for p in people]).reshape(-1, 2))
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def save_result(result: DensePoseResult, path: str | Path, form: str | None = None, *,
                overwrite: bool = False, image_id: int = 1) -> None:
    """Write a result; see :meth:`ktn_mm.structures.DensePoseResult.save`."""
    suffix = Path(path).suffix.lower()
    form = form or BY_SUFFIX.get(suffix)
    if form not in FORMS:
        raise ValueError(f'{path}: form must be one of {", ".join(FORMS)}, got {form!r}')
    exact = FORMS[form].exact or FORMS[form].paint is None
    if suffix != FORMS[form].suffix and (exact or suffix not in ('.png', '.jpg', '.jpeg')):
        raise ValueError(f'{path}: {form!r} is written to files that end in '
                         f'{FORMS[form].suffix}')
    write_file(path, encode(result, form, suffix, image_id=image_id), overwrite=overwrite)
