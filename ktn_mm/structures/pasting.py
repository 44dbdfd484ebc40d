"""From the maps of a crop to the pixels of an image."""
from typing import NamedTuple

import numpy as np

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
    body = labels > 0
    window = tuple(_within(places, size, _extent(body.any(1 - axis)) if body.any() else None)
                   for axis, (places, size) in enumerate(zip(at, labels.shape)))
    at = [places[part] for places, part in zip(at, window)]
    shape = tuple(map(len, at))
    found = Patch(window, np.zeros(shape, np.uint8), np.zeros((2, *shape), np.float32))
    if 0 in shape:
        return found
    most, together = np.zeros((2, *shape), np.float32)
    for label in np.unique(labels[body]).tolist():
        votes = labels == label
        source = tuple(_extent(votes.any(1 - axis)) for axis in (0, 1))
        target = tuple(_within(places, size, extent)
                       for places, size, extent in zip(at, labels.shape, source))
        if any(part.start == part.stop for part in target):
            continue
        values = np.dstack([votes[source], *(uv[:, source[0], source[1]] * votes[source])])
        first = [part.start + place.start for part, place in zip(target, window)]
        count = [part.stop - part.start for part in target]
        share, *sums = _sample(values.astype(np.float32), matrix, source, first, count)
        together[target] += share
        wins = share > most[target]
        np.copyto(most[target], share, where=wins)
        np.copyto(found.labels[target], np.uint8(label), where=wins)
        for plane, total in zip(found.uv, sums):
            np.divide(total, share, out=plane[target], where=wins)
    found.labels[together < 0.5] = 0
    return found


def _extent(there: np.ndarray) -> slice:
    """Return the rows that show something (H,), and one more on both sides."""
    first, last = np.flatnonzero(there)[[0, -1]].tolist()
    return slice(max(first - 1, 0), min(last + 2, len(there)))


def _within(places: np.ndarray, size: int, extent: slice | None) -> slice:
    """Return the rows of an image whose places (h,) lie in rows of a crop.

    The crop's outermost rows reach half a row further, to its edge.

    Args:
        places: where the rows of the image lie in the crop; they grow.
        size: rows of the crop.
        extent: rows of the crop; None for none.
    """
    if extent is None:
        return slice(0, 0)
    low = -0.5 if extent.start == 0 else extent.start
    high = size - 0.5 if extent.stop == size else extent.stop - 1
    return slice(*np.searchsorted(places, [low, high]).tolist())


def _sample(values: np.ndarray, matrix: np.ndarray, source: tuple[slice, slice],
            first: list[int], count: list[int]) -> tuple[np.ndarray, ...]:
    """Read a part of a crop (h, w, C) bilinearly at a rectangle of image pixels, C planes."""
    import cv2  # here, since scoring imports this package and does without OpenCV
    scale = matrix[[0, 1], [0, 1]]
    shift = scale * first[::-1] + matrix[:, 2] - [source[1].start, source[0].start]
    return cv2.split(cv2.warpAffine(
        values, np.column_stack([np.diag(scale), shift]), tuple(count[::-1]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE))
