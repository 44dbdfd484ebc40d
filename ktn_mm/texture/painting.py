"""Draw an atlas onto the people of a picture."""
import numpy as np

from .atlas import Corners


def paint_texture(image: np.ndarray, labels: np.ndarray, uv: np.ndarray, tiles: np.ndarray,
                  *, opacity: float = 1.) -> np.ndarray:
    """Paint the texture of every pixel's place on the body over a picture.

    Texels are mixed bilinearly by what is seen of them; where none is, the picture stays.

    Args:
        image: (H, W, 3) uint8, its channels ordered as those of the tiles.
        labels: (H, W) 0..24.
        uv: (H, W, 2) in [0, 1].
        tiles: (24, S, S, 4) uint8, colours and alpha.
        opacity: of the texture, in [0, 1].

    Returns:
        (H, W, 3) uint8.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f'opacity must lie in [0, 1], got {opacity}')
    shown = labels > 0
    corners = Corners(labels[shown], uv[shown], tiles.shape[1])
    texels = tiles.reshape(-1, 4)
    color = np.zeros((len(corners.index[0]), 3), np.float32)
    alpha = np.zeros(len(color), np.float32)
    for index, weight in zip(corners.index, corners.weight):
        texel = texels[index]
        share = weight * (texel[:, 3] / np.float32(255))
        color += share[:, None] * texel[:, :3]
        alpha += share
    color /= np.maximum(alpha, 1e-6)[:, None]
    cover = (opacity * alpha)[:, None]
    painted = image.copy()
    painted[shown] = np.rint(image[shown] * (1 - cover) + color * cover).astype(np.uint8)
    return painted
