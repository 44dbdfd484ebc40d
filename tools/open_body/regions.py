"""Areas of the body that a painter gives their own colour."""
import numpy as np

from .source import Body

REGIONS = ('skin', 'eyes', 'lips', 'eyelids', 'ears', 'aureolae', 'fingernails', 'toenails')
"""Names of the regions; their place is their number."""


def paint_regions(body: Body) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number the painted area of every face.

    Args:
        body: with its paint masks.

    Returns:
        (F,) u8 numbers and the names they stand for.
    """
    regions = np.zeros(len(body.faces), np.uint8)
    for number, name in enumerate(REGIONS):
        if name in body.paint:
            regions[body.paint[name]] = number
    regions[body.num_skin_faces:] = REGIONS.index('eyes')
    return regions, REGIONS
