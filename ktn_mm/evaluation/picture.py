"""The IUV picture of a detection: what the metric reads and what result files hold."""
import numpy as np

from ktn_mm.structures.crop_frame import CropFrame

MAX_PIXELS = 1 << 26
"""Pixels of the largest picture that is read, and of the largest box of a person; 8192 x 8192."""


def picture_size(box: np.ndarray) -> tuple[int, int]:
    """Return (h, w) in pixels of the picture of a box (x, y, w, h); at least 1 x 1."""
    return max(int(box[3]), 1), max(int(box[2]), 1)


def box_picture(labels: np.ndarray, uv: np.ndarray, frame: CropFrame,
                box: np.ndarray) -> np.ndarray:
    """Read crop maps into the picture of a box.

    Pixel k of the picture covers [x + k w / int(w), x + (k + 1) w / int(w)] of the image; it
    takes the crop's nearest value at its centre, background outside the crop.

    Args:
        labels: (Hc, Wc) surfaces 0..24 of the crop.
        uv: (2, Hc, Wc) float in [0, 1].
        frame: where the crop lies in the image; unrotated.
        box: (4,) x, y, w, h.

    Returns:
        (3, h, w) uint8 I, U, V with U, V = 255 x value, truncated.
    """
    if labels.shape != uv.shape[1:] or len(uv) != 2:
        raise ValueError(f'labels {labels.shape} and uv {uv.shape} do not belong together')
    if frame.rotation:
        raise ValueError(f'a detection is read from an upright crop, got {frame.rotation} deg')
    rows, columns = (_nearest(frame, box, axis, n)
                     for axis, n in zip((1, 0), picture_size(box), strict=True))
    row_inside = (rows >= 0) & (rows < labels.shape[0])
    column_inside = (columns >= 0) & (columns < labels.shape[1])
    crop = np.stack([labels.astype(np.uint8), *quantise(uv)])
    picture = np.zeros((3, len(rows), len(columns)), np.uint8)
    picture[np.ix_(range(3), row_inside, column_inside)] = crop[
        np.ix_(range(3), rows[row_inside], columns[column_inside])]
    picture[1:] *= picture[0] > 0
    return picture


def quantise(uv: np.ndarray) -> np.ndarray:
    """Return U or V in [0, 1] as uint8, truncated and clamped to 0..255."""
    return np.clip(np.asarray(uv, np.float32) * 255, 0, 255).astype(np.uint8)


def _nearest(frame: CropFrame, box: np.ndarray, axis: int, count: int) -> np.ndarray:
    """Return the crop's row or column nearest to each pixel of the picture, unclipped."""
    start, extent = float(box[axis]), float(box[axis + 2])
    points = np.zeros((count, 2))
    points[:, axis] = start + (np.arange(count) + 0.5) * (extent / count) - 0.5
    return np.floor(frame.to_crop(points)[:, axis] + 0.5).astype(np.int64)
