"""Small facts of a triangle mesh: edges, neighbours, borders, discs."""
import numpy as np


def face_edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the edges of every face.

    Args:
        faces: (F, 3) vertex ids.

    Returns:
        (3F, 2) sorted vertex pairs and (3F,) the face of each.
    """
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return np.sort(edges, axis=1), np.tile(np.arange(len(faces)), 3)


def face_neighbours(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the pairs of faces that share an edge.

    Args:
        faces: (F, 3) vertex ids of a manifold mesh.

    Returns:
        (E, 2) face pairs and (E, 2) the vertices of the edge between them.
    """
    edges, owner = face_edges(faces)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    edges, owner = edges[order], owner[order]
    twice = np.nonzero((edges[1:] == edges[:-1]).all(1))[0]
    return np.stack([owner[twice], owner[twice + 1]], 1), edges[twice]


def border_loops(faces: np.ndarray) -> list[np.ndarray]:
    """Trace the border of a mesh.

    Args:
        faces: (F, 3) vertex ids, consistently oriented.

    Returns:
        Closed loops of vertex ids in the direction of the faces, longest first.
    """
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.sort(directed, axis=1)
    _, first, count = np.unique(edges, axis=0, return_index=True, return_counts=True)
    following = dict(directed[first[count == 1]].tolist())
    loops = []
    while following:
        start = min(following)
        loop, vertex = [start], following.pop(start)
        while vertex != start:
            loop.append(vertex)
            vertex = following.pop(vertex)
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)


def euler_characteristic(faces: np.ndarray) -> int:
    """Count vertices - edges + faces: 1 for a disc, 0 for a ring, 2 for a closed ball."""
    edges = np.unique(face_edges(faces)[0], axis=0)
    return len(np.unique(faces)) - len(edges) + len(faces)


def vertices_touch_once(faces: np.ndarray) -> bool:
    """Tell whether the border passes every vertex at most once (no pinched vertex)."""
    border = [tuple(loop) for loop in border_loops(faces)] if len(faces) else []
    visited = np.concatenate([np.array(loop) for loop in border]) if border else np.zeros(0)
    return len(visited) == len(np.unique(visited))


def compact(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Renumber the vertices that some faces use.

    Args:
        faces: (F, 3) vertex ids.

    Returns:
        (n,) the ids used, ascending, and (F, 3) faces into them.
    """
    used, local = np.unique(faces, return_inverse=True)
    return used, local.reshape(-1, 3)


def signed_areas(uv: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area of each planar face, positive where it runs anticlockwise.

    Args:
        uv: (M, 2) positions.
        faces: (F, 3) ids into them.

    Returns:
        (F,) signed areas.
    """
    a, b, c = (uv[faces[:, k]].astype(np.float64) for k in range(3))
    return 0.5 * ((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1])
                  - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1]))


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area of each face in space.

    Args:
        vertices: (N, 3) positions.
        faces: (F, 3) ids into them.

    Returns:
        (F,) areas.
    """
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
