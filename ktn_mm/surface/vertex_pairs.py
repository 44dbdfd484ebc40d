"""Pairs of vertices, as every table of distances takes them."""
import numpy as np


def vertex_pairs(a: np.ndarray, b: np.ndarray,
                 num_vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """Broadcast two arrays of vertex ids and check their range.

    Args:
        a: integer vertex ids, -1 for none.
        b: the same; the two broadcast.
        num_vertices: of the mesh.

    Returns:
        Two int64 arrays of the broadcast shape. 64 bits, because the place of a pair in a
        condensed table overflows smaller ones.

    Raises:
        IndexError: an id is not one of the mesh.
    """
    a, b = np.broadcast_arrays(np.asarray(a, np.int64), np.asarray(b, np.int64))
    for ids in (a, b):
        if ids.size and not (ids.min() >= -1 and ids.max() < num_vertices):
            raise IndexError(f'vertex ids must lie in -1..{num_vertices - 1}, got '
                             f'{ids.min()}..{ids.max()}')
    return a, b
