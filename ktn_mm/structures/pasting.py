"""From the maps of a crop to the pixels of an image."""
from typing import NamedTuple

import numpy as np
from scipy.ndimage import find_objects

from .crop_frame import CropFrame


class Patch(NamedTuple):
    """A person at the resolution of the image.

    Attributes:
        window: the rows and the columns of the image that the person can cover, as slices.
        labels: (h, w) uint8 of the window, 0 background, 1..24 surfaces.
        uv: (2, h, w) float32 in [0, 1]; anything on background.
    """

    window: tuple[slice, slice]
    labels: np.ndarray
    uv: np.ndarray


def enlarge(frame: CropFrame, labels: np.ndarray, uv: np.ndarray,
            image_size: tuple[int, int]) -> Patch:
    """Bring crop maps to the pixels of an image, bilinearly.

    At a pixel each of the four crop pixels around it votes for its label, by its bilinear weight.
    Where the surfaces together have half of the votes, the one with the most is the label, and U
    and V are the weighted mean of the crop pixels that voted for it: nothing is mixed across
    surfaces, and outlines are as smooth as the crop allows.

    Args:
        frame: where the crop lies in the image; upright.
        labels: (H, W) 0..24 of the crop.
        uv: (2, H, W) in [0, 1].
        image_size: (width, height).
    """
    matrix = frame.matrix()
    at = [matrix[axis, axis] * np.arange(image_size[axis]) + matrix[axis, 2] for axis in (1, 0)]
    sources = {label: tuple(_one_more(part, size) for part, size in zip(box, labels.shape))
               for label, box in enumerate(find_objects(labels), 1) if box}
    window = tuple(_within(places, size, _hull([box[axis] for box in sources.values()]))
                   for axis, (places, size) in enumerate(zip(at, labels.shape)))
    at = [places[part] for places, part in zip(at, window)]
    shape = tuple(map(len, at))
    found = Patch(window, np.zeros(shape, np.uint8), np.zeros((2, *shape), np.float32))
    if 0 in shape:
        return found
    most, together = np.zeros((2, *shape), np.float32)
    for label, source in sources.items():
        target = tuple(_within(places, size, extent)
                       for places, size, extent in zip(at, labels.shape, source))
        if any(part.start == part.stop for part in target):
            continue
        values = np.empty((source[0].stop - source[0].start, source[1].stop - source[1].start, 3),
                          np.float32)
        votes = values[..., 0]
        np.equal(labels[source], label, out=votes, casting='unsafe')
        for k in range(2):
            np.multiply(uv[(k, *source)], votes, out=values[..., k + 1])
        first = [part.start + place.start for part, place in zip(target, window)]
        count = [part.stop - part.start for part in target]
        share, *sums = _sample(values, matrix, source, first, count)
        together[target] += share
        wins = share > most[target]
        np.copyto(most[target], share, where=wins)
        np.copyto(found.labels[target], np.uint8(label), where=wins)
        for plane, total in zip(found.uv, sums):
            np.divide(total, share, out=plane[target], where=wins)
    found.labels[together < 0.5] = 0
    return found


def _one_more(part: slice, size: int) -> slice:
    """Return a part of the rows with one more on both sides, where there is one."""
    return slice(max(part.start - 1, 0), min(part.stop + 1, size))


def _hull(parts: list[slice]) -> slice:
    """Return the rows from the first to the last of several parts; none without any."""
    if not parts:
        return slice(0, 0)
    return slice(min(part.start for part in parts), max(part.stop for part in parts))


def _within(places: np.ndarray, size: int, extent: slice) -> slice:
    """Return the rows of an image whose places (h,) lie in rows of a crop.

    The crop's outermost rows reach half a row further, to its edge.

    Args:
        places: where the rows of the image lie in the crop; they grow.
        size: rows of the crop.
        extent: rows of the crop.
    """
    if extent.start == extent.stop:
        return extent
    low = -0.5 if extent.start == 0 else extent.start
    high = size - 0.5 if extent.stop == size else extent.stop - 1
    return slice(*np.searchsorted(places, [low, high]).tolist())


def _sample(values: np.ndarray, matrix: np.ndarray, source: tuple[slice, slice],
            first: list[int], count: list[int]) -> tuple[np.ndarray, ...]:
    """Read a part of a crop (h, w, C) bilinearly at a rectangle of image pixels, C planes."""
    import cv2  # here, since scoring imports this package and does without OpenCV
    local = matrix.copy()
    for axis in (0, 1):  # x, y
        local[axis, 2] += matrix[axis, axis] * first[1 - axis] - source[1 - axis].start
    return cv2.split(cv2.warpAffine(
        values, local, tuple(count[::-1]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE))
