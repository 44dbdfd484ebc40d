"""Part maps of persons and detections.

A part map is (h, w) uint8: 0 background, 1..14 parts in the order of ``dp_masks``.
"""
import zlib

import numpy as np
from pycocotools import mask as mask_utils

from ktn_mm.evaluation.ground_truth import Image, Person
from ktn_mm.evaluation.masks import PlacedMap, place
from ktn_mm.evaluation.picture import picture_size
from ktn_mm.structures.dense_annotation import FRAME
from ktn_mm.surface.charts import NUM_PARTS, SURFACE_TO_PART

_PART = SURFACE_TO_PART.astype(np.uint8)


def pack_parts(surfaces: np.ndarray) -> bytes:
    """Keep the part map of a label map (h, w) of 0..24 in about a kilobyte."""
    return zlib.compress(_PART[surfaces].tobytes(), level=1)


def unpack_parts(packed: bytes, box: np.ndarray) -> np.ndarray:
    """Return the part map that :func:`pack_parts` kept of a detection.

    Args:
        packed: what it returned.
        box: (4,) x, y, w, h of the detection, whose picture had this size.
    """
    return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(picture_size(box))


def visible_parts(person: Person, image: Image, *, truncates: bool) -> PlacedMap | None:
    """Return what the image shows of a person's annotated part map.

    Of overlapping ``dp_masks`` the later one counts. A part has the pixels whose centres it
    holds: of the image, or, in the reference's way of putting masks, of a map that is as large
    as the rounded box.

    Args:
        person, image: the person and its image.
        truncates: see :func:`ktn_mm.evaluation.masks.paste`.

    Returns:
        None if the person has no list of 14 masks, or no pixel of them in the image.
    """
    frame = _part_frame(person)
    if frame is None:
        return None
    if truncates:
        frame = frame[np.ix_(*(_nearest(size) for size in person.box[[3, 2]]))]
    placed = place(frame, person.box, image.height, image.width, truncates=truncates)
    return placed if placed.map.any() else None


def _part_frame(person: Person) -> np.ndarray | None:
    """Return the (256, 256) uint8 part map in the box frame, None without 14 masks."""
    masks = person.dp_masks
    if not isinstance(masks, list) or len(masks) != NUM_PARTS:
        return None
    frame = np.zeros((FRAME, FRAME), np.uint8)
    for part, rle in enumerate(masks, 1):
        if rle:
            frame[mask_utils.decode(rle) > 0] = part
    return frame


def _nearest(size: float) -> np.ndarray:
    """Return the row or column of the frame under each pixel's centre."""
    count = round(max(size, 1.))
    return ((np.arange(count) + 0.5) * (FRAME / count)).astype(np.int64)
