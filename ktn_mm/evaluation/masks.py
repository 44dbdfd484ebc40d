"""Masks of persons and detections in the image, as run lengths, and their overlap."""
from typing import TYPE_CHECKING

import numpy as np
from pycocotools import mask as mask_utils
from scipy import ndimage

if TYPE_CHECKING:
    from ktn_mm.evaluation.ground_truth import Image, Person

DP_MASK_SIZE = 256
"""Side of the frame that ``dp_masks`` are drawn in."""


def dp_union(dp_masks: list | dict) -> np.ndarray:
    """Return the union of ``dp_masks`` as a (256, 256) float64 array of 0 and 1.

    Args:
        dp_masks: RLEs, an empty list where a part is absent; or a single RLE.

    Raises:
        ValueError: if a mask has another size.
    """
    union = np.zeros((DP_MASK_SIZE, DP_MASK_SIZE))
    for rle in [dp_masks] if isinstance(dp_masks, dict) else dp_masks:
        if rle:
            part = mask_utils.decode(rle)
            if part.shape != union.shape:
                raise ValueError(f'dp_masks must be {union.shape}, got {part.shape}')
            union[part > 0] = 1
    return union


def dp_mask_in_box(dp_masks: list | dict, box: np.ndarray) -> np.ndarray:
    """Scale the union of ``dp_masks`` to a box.

    Returns:
        (round(h), round(w)) uint8, at least 1 x 1: linear interpolation on the grid whose
        corners are the corners of the frame, cut at 0.5.
    """
    factors = [max(float(s), 1.) / DP_MASK_SIZE for s in (box[3], box[2])]
    scaled = ndimage.zoom(dp_union(dp_masks), factors, order=1, prefilter=False)
    return (scaled > 0.5).astype(np.uint8)


def paste(mask: np.ndarray, box: np.ndarray, height: int, width: int) -> dict:
    """Put a box's mask into the image at the truncated corner of the box.

    Args:
        mask: (h, w); what is not 0 counts.
        box: (4,) x, y, w, h.
        height, width: of the image.

    Returns:
        RLE of the image's size; empty where the box lies outside the image.
    """
    x, y = int(box[0]), int(box[1])
    x0, y0 = max(x, 0), max(y, 0)
    x1 = min(int(box[0] + box[2]), width, x + mask.shape[1])
    y1 = min(int(box[1] + box[3]), height, y + mask.shape[0])
    canvas = np.zeros((height, width), np.uint8, order='F')
    if x1 > x0 and y1 > y0:
        canvas[y0:y1, x0:x1] = mask[y0 - y:y1 - y, x0 - x:x1 - x] > 0
    return mask_utils.encode(canvas)


def person_mask(person: 'Person', image: 'Image') -> dict:
    """Return the mask of an annotated person as an RLE of the image's size.

    From ``dp_masks`` where the person has them, else from ``segmentation``, else empty.

    Raises:
        ValueError: naming the annotation whose masks do not fit.
    """
    size = image.height, image.width
    try:
        if person.dp_masks is not None:
            return paste(dp_mask_in_box(person.dp_masks, person.box), person.box, *size)
        rle = segmentation_rle(person.segmentation, *size)
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f'annotation {person.id}: {error}') from error
    if tuple(rle['size']) != size:
        raise ValueError(f'annotation {person.id}: segmentation of size {rle["size"]} in an '
                         f'image of {size}')
    return rle


def segmentation_rle(segmentation: list | dict | None, height: int, width: int) -> dict:
    """Return COCO's ``segmentation`` (polygons, either kind of RLE, or none) as an RLE."""
    if not segmentation:
        return mask_utils.encode(np.zeros((height, width), np.uint8, order='F'))
    if isinstance(segmentation, list):
        return mask_utils.merge(mask_utils.frPyObjects(segmentation, height, width))
    if isinstance(segmentation['counts'], list):
        return mask_utils.frPyObjects(segmentation, height, width)
    return segmentation


def overlap(detected: list, annotated: list, crowd: np.ndarray) -> np.ndarray:
    """Return the (D, G) float64 IoU of RLEs or of boxes (x, y, w, h).

    Where ``crowd`` holds the intersection is divided by the detection's area alone.
    """
    if not len(detected) or not len(annotated):
        return np.zeros((len(detected), len(annotated)))
    ious = mask_utils.iou(detected, annotated, [int(c) for c in crowd])
    return np.asarray(ious, np.float64).reshape(len(detected), len(annotated))


def lies_outside(box: np.ndarray, height: int, width: int) -> bool:
    """Say whether a box (x, y, w, h) has no pixel of the image."""
    return bool(box[0] >= width or box[1] >= height or box[0] + box[2] <= 0
                or box[1] + box[3] <= 0)
