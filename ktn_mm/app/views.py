"""What the page shows of a result: four pictures, and the values behind every pixel."""
from typing import NamedTuple

import cv2
import numpy as np

from ..structures import DensePoseResult
from ..visualization.painting import draw_boxes, overlay, paint_coordinate, paint_surfaces

VIEW_SIDE = 1024
"""Pixels of the longer side of a shown picture; larger ones are shown smaller."""


class Views(NamedTuple):
    """Pictures of one result, (h, w, 3) uint8 RGB, all of one size.

    Attributes:
        surfaces: the colours of the surfaces on black.
        u, v: the coordinates in viridis on black.
        overlay: surfaces and boxes over the picture.
        iuv: I, U * 255, V * 255 of the pixels shown, taken from the whole IUV picture unmixed.
    """

    surfaces: np.ndarray
    u: np.ndarray
    v: np.ndarray
    overlay: np.ndarray
    iuv: np.ndarray


def view_size(image_size: tuple[int, int]) -> tuple[int, int]:
    """Return the (w, h) in which a picture of (w, h) is shown."""
    shrink = min(1., VIEW_SIDE / max(image_size))
    return tuple(max(1, round(side * shrink)) for side in image_size)


def shrink_picture(image: np.ndarray) -> np.ndarray:
    """Return a picture (H, W, 3) uint8 in the size in which it is shown."""
    size = view_size(image.shape[1::-1])
    if size == image.shape[1::-1]:
        return image
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def shrink_values(iuv: np.ndarray) -> np.ndarray:
    """Return an IUV picture in the size in which it is shown: some of its pixels, unmixed."""
    (height, width), (w, h) = iuv.shape[:2], view_size(iuv.shape[1::-1])
    rows = (np.arange(h) * 2 + 1) * height // (2 * h)
    columns = (np.arange(w) * 2 + 1) * width // (2 * w)
    return iuv[rows[:, None], columns]


def make_views(result: DensePoseResult, iuv: np.ndarray) -> Views:
    """Paint a result.

    Args:
        result: with its image.
        iuv: ``result.to_image()``.
    """
    small = shrink_values(iuv)
    labels, shown = small[..., 0], small[..., 0] > 0
    scale = small.shape[1] / iuv.shape[1]
    laid = draw_boxes(overlay(shrink_picture(result.image)[..., ::-1], labels),
                      result.boxes * scale)
    return Views(paint_surfaces(labels), paint_coordinate(small[..., 1] / 255, shown),
                 paint_coordinate(small[..., 2] / 255, shown), laid, small)
