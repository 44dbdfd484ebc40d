"""Lift the colours of people in pictures to the atlas."""
import numpy as np
from scipy.ndimage import distance_transform_edt

from ..surface.charts import NUM_SURFACES
from .atlas import TILE, Corners


class TextureSum:
    """Average what pictures of one person show of its surfaces.

    Args:
        size: S, texels a side of a tile.

    Raises:
        ValueError: if the size is not 2 to 4096.
    """

    def __init__(self, size: int = TILE) -> None:
        if not 2 <= size <= 4096:
            raise ValueError(f'a tile has 2 to 4096 texels a side, got {size}')
        self.size = size
        self._colors = np.zeros((3, NUM_SURFACES * size * size), np.float32)
        self._weight = np.zeros(NUM_SURFACES * size * size, np.float32)

    def add(self, image: np.ndarray, labels: np.ndarray, uv: np.ndarray) -> None:
        """Add the pixels of a picture, each to the four texels around its place.

        Args:
            image: (H, W, 3) uint8.
            labels: (H, W) 0..24; pixels of 0 are left out.
            uv: (H, W, 2) in [0, 1].
        """
        shown = labels > 0
        corners = Corners(labels[shown], uv[shown], self.size)
        colors = image[shown].astype(np.float32).T
        for index, weight in zip(corners.index, corners.weight):
            np.add.at(self._weight, index, weight)
            for total, color in zip(self._colors, colors):
                np.add.at(total, index, weight * color)

    def seen(self) -> np.ndarray:
        """Return the share of texels (24,) of each surface that some pixel fell on."""
        return (self._weight > 0).reshape(NUM_SURFACES, -1).mean(1)

    def tiles(self, *, reach: int | None = None) -> np.ndarray:
        """Return the average as (24, S, S, 4) uint8, colours and alpha.

        Args:
            reach: texels without a pixel get the colour of the nearest one with, up to this many
                texels away: pictures are coarser than tiles. By default a sixteenth of a tile.
                Beyond, alpha is 0.
        """
        reach = max(1, self.size // 16) if reach is None else reach
        known = self._weight.reshape(NUM_SURFACES, self.size, self.size) > 1e-4
        colors = self._colors / np.maximum(self._weight, 1e-4)
        tiles = np.zeros((NUM_SURFACES, self.size, self.size, 4), np.uint8)
        tiles[..., :3] = np.rint(colors).T.reshape(*tiles.shape[:3], 3)
        for tile, there in zip(tiles, known):
            if not there.any():
                tile[:] = 0
                continue
            far, (rows, columns) = distance_transform_edt(~there, return_indices=True)
            tile[:] = tile[rows, columns]
            tile[..., 3] = 255
            tile[far > reach] = 0
        return tiles
