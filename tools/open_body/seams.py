"""Cut a mesh in two along a short seam: a minimum cut between faces."""
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from .mesh import areas, face_neighbours

UNIT = 1e6
"""Capacities are whole micrometres: scipy's maximum flow takes integers."""


def cut_in_two(vertices: np.ndarray, faces: np.ndarray, score: np.ndarray,
               stiffness: float = 2500.) -> np.ndarray:
    """Choose the faces on the positive side of a field, with a seam as short as possible.

    Minimises (length of the seam) + stiffness * (integral of |score| over the faces on the wrong
    side): a seam strays at most about 1 / sqrt(stiffness) metres from the field's zero line and
    has neither teeth nor islands.

    Source: minimum cut of Greig, Porteous and Seheult (1989), with scipy's maximum flow.

    Args:
        vertices: (N, 3) metres.
        faces: (F, 3) vertex ids.
        score: (F,) signed distance in metres to the wanted seam.
        stiffness: 1 / square metre.

    Returns:
        (F,) bool, True on the positive side.
    """
    pairs, edges = face_neighbours(faces)
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    pull = stiffness * areas(vertices, faces) * score
    count = len(faces)
    source, sink, ids = count, count + 1, np.arange(count)
    towards, away = pull > 0, pull < 0
    rows = np.concatenate([pairs[:, 0], pairs[:, 1], np.full(towards.sum(), source), ids[away]])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0], ids[towards], np.full(away.sum(), sink)])
    capacity = np.concatenate([length, length, pull[towards], -pull[away]])
    graph = coo_matrix((np.round(capacity * UNIT).astype(np.int32), (rows, columns)),
                       shape=(count + 2,) * 2).tocsr()
    residual = (graph - maximum_flow(graph, source, sink).flow).tocsr()
    residual.data[residual.data < 0] = 0
    residual.eliminate_zeros()
    reached = breadth_first_order(residual, source, return_predecessors=False)
    positive = np.zeros(count + 2, bool)
    positive[reached] = True
    return positive[:count]
