"""Regions of a picture in which nobody is annotated (PoseTrack)."""
import numpy as np
from pycocotools import mask as mask_utils

BOX_LIMIT = 0.7
"""A person whose box is covered by a region to this share or more is left out."""
MASK_LIMIT = 0.9
"""A detection whose mask is covered to this share or more is left out."""


def region_mask(image) -> np.ndarray:
    """Return the union of an :class:`~ktn_mm.evaluation.ground_truth.Image`'s regions.

    Returns:
        (height, width) uint8, 1 inside.
    """
    rles = mask_utils.frPyObjects([list(r) for r in image.regions], image.height, image.width)
    return mask_utils.decode(mask_utils.merge(rles))


def keeps_box(region: np.ndarray, box: np.ndarray, *, drops_empty: bool) -> bool:
    """Say whether an annotated box (x, y, w, h) lies outside the regions.

    Args:
        region: of :func:`region_mask`.
        box: (4,) x, y, w, h.
        drops_empty: what becomes of a box of no area.
    """
    covered, area = _cover(region, box)
    return covered / area < BOX_LIMIT if area else not drops_empty


def keeps_mask(region: np.ndarray, mask: dict, box: np.ndarray, *, drops_empty: bool) -> bool:
    """Say whether a detection's mask (an RLE) lies outside the regions; see :func:`keeps_box`."""
    covered, area = _cover(region, box)
    if not area:
        return not drops_empty
    if not covered:
        return True
    rle = mask_utils.encode(np.asfortranarray(region))
    return mask_utils.iou([mask], [rle], [1])[0, 0] < MASK_LIMIT


def _cover(region: np.ndarray, box: np.ndarray) -> tuple[int, int]:
    """Return how many pixels of the truncated box are covered, and its area."""
    x, y, w, h = (int(v) for v in box)
    inside = region[max(y, 0):max(y + h, 0), max(x, 0):max(x + w, 0)]
    return int(inside.sum()), w * h
