"""What a detection would say where its mask missed the person."""
import numpy as np
from scipy.spatial import cKDTree

from ktn_mm.evaluation.gps import point_pixels


def sample_filled(picture: np.ndarray, box: np.ndarray, positions: np.ndarray, *,
                  truncates: bool) -> np.ndarray:
    """Read a detection's IUV picture at points of the image, from its nearest foreground.

    Where the picture has background, I, U and V are those of the nearest foreground pixel: a
    stand-in for the surface that a network saw there, which its mask hides.

    Args:
        picture: (3, h, w) uint8 of the detection.
        box: (4,) x, y, w, h of the detection.
        positions: (P, 2) x, y in the image.
        truncates: see :func:`ktn_mm.evaluation.gps.point_pixels`.

    Returns:
        (P, 3) uint8 I, U, V; zeros outside the box, and everywhere if the picture is empty.
    """
    pixels, inside = point_pixels(positions, box, picture.shape[1:], truncates=truncates)
    x, y = pixels[inside].T
    missed = picture[0, y, x] == 0
    if missed.any():
        rim = _rim(picture[0] > 0)
        if len(rim):
            nearest = cKDTree(rim).query(np.stack([y, x], -1)[missed])[1]
            y[missed], x[missed] = rim[nearest].T
    samples = np.zeros((len(positions), 3), np.uint8)
    samples[inside] = picture[:, y, x].T
    return samples


def _rim(mask: np.ndarray) -> np.ndarray:
    """Return the (N, 2) rows and columns of the pixels with background beside them.

    The foreground pixel nearest to a background pixel is always one of these: a step from any
    other towards the background leads to a nearer one.
    """
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return np.argwhere(mask & ~inner)
