"""Read label maps at image positions, nearest neighbour, for any geometry of a crop."""
import numpy as np

from ktn_mm.structures.crop_frame import image_to_box

IGNORE = 255
"""Label of a grid cell that no loss may look at."""
BODY_UNKNOWN = 255
"""Value of a box-frame map where there is body, but nobody said which part."""


def sample_box_map(values: np.ndarray, box: np.ndarray, points: np.ndarray,
                   outside: int = 0) -> np.ndarray:
    """Read a map that is stretched over a box, such as the parts of ``dp_masks``.

    Args:
        values: (h, w) map of the box frame; its pixel (r, c) covers [c, c + 1] x [r, r + 1].
        box: (x, y, w, h) of the box in COCO's continuous coordinates.
        points: (..., 2) image positions as pixel indices.
        outside: the value beyond the box.

    Returns:
        (...) values of the dtype of ``values``.
    """
    rows, cols = values.shape
    points = np.asarray(points, np.float64)
    # Column by column: numpy is five times slower along an axis of length two.
    flat = np.asfortranarray(points.reshape(-1, 2))
    index = image_to_box(flat, box, np.array([cols, rows], np.float64))
    return _gather(values, np.floor(index), outside).reshape(points.shape[:-1])


def sample_image_map(values: np.ndarray, points: np.ndarray, outside: int = 0) -> np.ndarray:
    """Read a map of the size of the image at (..., 2) pixel indices; see :func:`sample_box_map`.
    """
    return _gather(values, np.floor(np.asarray(points, np.float64) + 0.5), outside)


def _gather(values: np.ndarray, index: np.ndarray, outside: int) -> np.ndarray:
    """Read ``values[y, x]`` at the (..., 2) whole numbers (x, y); ``outside`` beyond the map."""
    rows, cols = values.shape
    x, y = index[..., 0], index[..., 1]
    inside = (x >= 0) & (x < cols) & (y >= 0) & (y < rows)
    found = values[np.where(inside, y, 0).astype(np.intp), np.where(inside, x, 0).astype(np.intp)]
    found[~inside] = outside
    return found
