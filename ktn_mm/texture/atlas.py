"""The atlas: a picture of 24 square tiles, one for each surface.

Four columns of six tiles; surfaces 1..6 down the first column, 7..12 down the second, and so on.
In a tile U grows to the right and V upwards; the centres of its outermost texels are 0 and 1.

Source: the texture atlas of DensePose's texture transfer and of detectron2's visualizer, 6N x 4N.

Legend: S texels a side of a tile, C channels.
"""
from pathlib import Path

import numpy as np
from PIL import Image

from ..surface.charts import NUM_SURFACES

ROWS, COLUMNS = 6, 4
TILE = 256
"""Texels a side, unless asked otherwise: one for each 8-bit value of U and V."""


def join_tiles(tiles: np.ndarray) -> np.ndarray:
    """Lay tiles (24, S, S, C), of the surfaces 1..24, out as an atlas (6 S, 4 S, C)."""
    size, channels = tiles.shape[1], tiles.shape[3]
    grid = tiles.reshape(COLUMNS, ROWS, size, size, channels)
    return np.ascontiguousarray(grid.transpose(1, 2, 0, 3, 4)).reshape(
        ROWS * size, COLUMNS * size, channels)


def split_tiles(atlas: np.ndarray) -> np.ndarray:
    """Invert :func:`join_tiles`.

    Raises:
        ValueError: if the picture is not 6 tiles high and 4 wide.
    """
    height, width, channels = atlas.shape
    size = width // COLUMNS
    if size < 2 or (height, width) != (ROWS * size, COLUMNS * size):
        raise ValueError(f'an atlas is {ROWS} tiles high and {COLUMNS} wide, such as 1536x1024 '
                         f'pixels; this picture is {height}x{width}')
    grid = atlas.reshape(ROWS, size, COLUMNS, size, channels)
    return np.ascontiguousarray(grid.transpose(2, 0, 1, 3, 4)).reshape(
        NUM_SURFACES, size, size, channels)


def read_atlas(path: str | Path) -> np.ndarray:
    """Read an atlas as tiles (24, S, S, 4) uint8 RGBA; without transparency all is seen.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a picture, or not of an atlas's shape.
    """
    try:
        with Image.open(path, formats=('PNG', 'JPEG', 'TIFF', 'BMP', 'WEBP')) as picture:
            atlas = np.array(picture.convert('RGBA'))
    except FileNotFoundError:
        raise FileNotFoundError(f'{path}: no such file') from None
    except Image.DecompressionBombError as error:
        raise ValueError(f'{path}: too large: {error}') from error
    except (OSError, SyntaxError) as error:
        raise ValueError(f'{path}: not a picture that can be read') from error
    try:
        return split_tiles(atlas)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None


class Corners:
    """The four texels around each of P points, and how much each counts.

    Args:
        labels: (P,) surfaces 1..24.
        uv: (P, 2) in [0, 1].
        size: S.

    Attributes:
        index: four arrays (P,) of places in the flattened (24, S, S).
        weight: four arrays (P,) float32 that add up to 1.
    """

    def __init__(self, labels: np.ndarray, uv: np.ndarray, size: int) -> None:
        column = np.clip(uv[:, 0], 0, 1) * (size - 1)
        row = (1 - np.clip(uv[:, 1], 0, 1)) * (size - 1)
        left = np.minimum(column.astype(np.int64), size - 2)
        top = np.minimum(row.astype(np.int64), size - 2)
        right_share, low_share = column - left, row - top
        first = ((labels.astype(np.int64) - 1) * size + top) * size + left
        self.index = [first, first + 1, first + size, first + size + 1]
        self.weight = [((right_share if right else 1 - right_share)
                        * (low_share if low else 1 - low_share)).astype(np.float32)
                       for low in (False, True) for right in (False, True)]
