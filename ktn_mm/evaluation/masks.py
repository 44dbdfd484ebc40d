"""Masks of persons and detections in the image, as run lengths, and their overlap."""
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pycocotools import mask as mask_utils
from scipy import ndimage

from ktn_mm.structures.dense_annotation import FRAME

if TYPE_CHECKING:
    from ktn_mm.evaluation.ground_truth import Image, Person


def dp_union(dp_masks: list | dict) -> np.ndarray:
    """Return the union of ``dp_masks`` as a (256, 256) float64 array of 0 and 1.

    Args:
        dp_masks: RLEs of that size, an empty list where a part is absent; or a single RLE.
    """
    rles = [rle for rle in ([dp_masks] if isinstance(dp_masks, dict) else dp_masks) if rle]
    if not rles:
        return np.zeros((FRAME, FRAME))
    return mask_utils.decode(mask_utils.merge(rles)).astype(np.float64)


def dp_mask_in_box(dp_masks: list | dict, box: np.ndarray) -> np.ndarray:
    """Scale the union of ``dp_masks`` to a box.

    Returns:
        (round(h), round(w)) uint8, at least 1 x 1: linear interpolation on the grid whose
        corners are the corners of the frame, cut at 0.5.
    """
    factors = [max(float(s), 1.) / FRAME for s in (box[3], box[2])]
    scaled = ndimage.zoom(dp_union(dp_masks), factors, order=1, prefilter=False)
    return (scaled > 0.5).astype(np.uint8)


def paste(mask: np.ndarray, box: np.ndarray, height: int, width: int, *,
          truncates: bool) -> dict:
    """Put a box's mask into the image.

    Args:
        mask: (h, w); what is not 0 counts.
        box: (4,) x, y, w, h.
        height, width: of the image.
        truncates: the reference's way: the mask is put, pixel on pixel, at the truncated corner
            of the box. Otherwise it spans the box, and every pixel of the image takes the mask's
            at its centre.

    Returns:
        RLE of the image's size; empty where the box lies outside the image.
    """
    placed = place(mask, box, height, width, truncates=truncates)
    return encode_at(placed.map > 0, placed.top, placed.left, height, width)


class PlacedMap(NamedTuple):
    """What an image shows of a box's map; one wholly outside has no pixel.

    Attributes:
        top, left: row and column of the image under the first pixel.
        map: (h, w), pixel on pixel of the image.
    """

    top: int
    left: int
    map: np.ndarray

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the image that the map covers."""
        height, width = self.map.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def place(values: np.ndarray, box: np.ndarray, height: int, width: int, *,
          truncates: bool) -> PlacedMap:
    """Cut out of a box's map what the image shows of it; the arguments are :func:`paste`'s."""
    rows, columns = (_placed(float(box[axis]), float(box[axis + 2]), n, limit, truncates)
                     for axis, n, limit in ((1, values.shape[0], height),
                                            (0, values.shape[1], width)))
    if not (rows.count and columns.count):
        return PlacedMap(0, 0, values[:0, :0])
    cut = values[rows.index, columns.index] if truncates else values[
        np.ix_(rows.index, columns.index)]
    return PlacedMap(rows.start, columns.start, cut)


class _Placed(NamedTuple):
    """Where a side of a box's mask goes: image pixels start .. start + count take index."""

    start: int
    count: int
    index: np.ndarray | slice


def _placed(corner: float, extent: float, size: int, limit: int, truncates: bool) -> _Placed:
    if truncates:
        first = int(corner)
        start, stop = max(first, 0), min(int(corner + extent), limit, first + size)
        return _Placed(start, max(stop - start, 0), slice(start - first, stop - first))
    pixels = np.arange(max(math.floor(corner), 0), min(math.ceil(corner + extent), limit))
    if not extent or not pixels.size:
        return _Placed(0, 0, pixels)
    index = np.floor((pixels + .5 - corner) * (size / extent)).astype(np.int64)
    inside = (index >= 0) & (index < size)
    return _Placed(int(pixels[inside.argmax()]), int(inside.sum()), index[inside])


def encode_at(mask: np.ndarray, top: int, left: int, height: int, width: int) -> dict:
    """Encode an image that is empty but for a mask at (top, left).

    Equal to pycocotools' ``encode`` of the whole image, but takes time for the mask's columns
    only: an RLE counts pixels column by column, so whole empty columns before and after just add
    to its first and its last number.

    Args:
        mask: (h, w) bool, inside the image.
        top, left: pixel of the image that the mask's first pixel goes to.
        height, width: of the image.
    """
    columns = min(mask.shape[1] + 1, width - left)  # one empty column, so that zeros come last
    strip = np.zeros((height, columns), np.uint8, order='F')
    strip[top:top + mask.shape[0], :mask.shape[1]] = mask
    text = mask_utils.encode(strip)['counts']
    before, after = left * height, (width - left - columns) * height
    if after:
        text = _add_to_number(text, _last_number(text), after)
    if before:
        text = _add_to_number(text, 0, before)
    return dict(size=[height, width], counts=text)


def _last_number(text: bytes) -> int:
    """Return where the last number of a compressed RLE begins."""
    start = len(text) - 1
    while start and (text[start - 1] - 48) & 32:
        start -= 1
    return start


def _add_to_number(text: bytes, start: int, amount: int) -> bytes:
    """Add to a number of a compressed RLE.

    A number is stored 5 bits a character, the lowest first; bit 6 says that more follow, bit 5 of
    the last one is the sign. (Beyond the third number, differences are stored: adding to the last
    one changes no other.)
    """
    value, shift, at = 0, 0, start
    while True:
        bits = text[at] - 48
        value |= (bits & 31) << shift
        shift += 5
        at += 1
        if not bits & 32:
            break
    if bits & 16:
        value -= 1 << shift
    value += amount
    number = bytearray()
    while True:
        bits = value & 31
        value >>= 5
        done = value == (-1 if bits & 16 else 0)
        number.append(48 + (bits if done else bits | 32))
        if done:
            return text[:start] + bytes(number) + text[at:]


def person_mask(person: 'Person', image: 'Image', *, truncates: bool) -> dict:
    """Return the mask of an annotated person as an RLE of the image's size.

    From ``dp_masks`` where the person has them, else from ``segmentation``, else empty.

    Args:
        person, image: the person and its image.
        truncates: ``dp_masks`` are scaled and put into the image in the reference's way; see
            :func:`dp_mask_in_box` and :func:`paste`.
    """
    size = image.height, image.width
    if person.dp_masks is None:
        return segmentation_rle(person.segmentation, *size)
    mask = (dp_mask_in_box(person.dp_masks, person.box) if truncates
            else dp_union(person.dp_masks))
    return paste(mask, person.box, *size, truncates=truncates)


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
