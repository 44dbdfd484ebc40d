"""Soft light from all around, as nine numbers a colour."""
import numpy as np


def basis(directions: np.ndarray) -> np.ndarray:
    """Return the nine real spherical harmonics up to degree 2.

    Source: Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment
    Maps, 2001.

    Args:
        directions: (P, 3) unit vectors.

    Returns:
        (P, 9) of the same type.
    """
    x, y, z = directions[..., 0], directions[..., 1], directions[..., 2]
    return np.stack([np.full_like(x, .282095), .488603 * y, .488603 * z, .488603 * x,
                     1.092548 * x * y, 1.092548 * y * z, .315392 * (3 * z * z - 1),
                     1.092548 * x * z, .546274 * (x * x - y * y)], -1)
