"""Unfold a disc of the mesh into the unit square without a flip."""
import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import spsolve

from .mesh import areas, border_loops, face_edges, signed_areas


def unfold(vertices: np.ndarray, faces: np.ndarray, up: np.ndarray,
           iterations: tuple[int, ...] = (20, 10, 5, 2)) -> np.ndarray:
    """Unfold a disc, seen from outside, V along a direction in space.

    Tutte's embedding in a circle (no flips for a disc), then SLIM with the symmetric Dirichlet
    energy (keeps that), then a rotation and the bounding box to [0, 1]^2.

    Source: Tutte (1963); Rabinovich et al., Scalable Locally Injective Mappings (2017), as in
    libigl.

    Args:
        vertices: (n, 3) metres.
        faces: (F, 3) into them; a disc, anticlockwise seen from outside.
        up: (n,) height that V shall grow with.
        iterations: of SLIM, numbers to try: SLIM never flips a triangle, but two ends of the
            border may grow into one another, so the first map without an overlap is taken.

    Returns:
        (n, 2) U, V.

    Raises:
        RuntimeError: every map overlaps itself.
    """
    import igl

    start = tutte(vertices, faces)
    start *= np.sqrt(areas(vertices, faces).sum() / np.pi)
    for count in iterations:
        state = igl.slim_precompute(
            np.ascontiguousarray(vertices), np.ascontiguousarray(faces, dtype=np.int64), start,
            igl.MappingEnergyType.SYMMETRIC_DIRICHLET, np.zeros(0, np.int64), np.zeros((0, 2)),
            0.0)
        flat = np.array(igl.slim_solve(state, count))[:, :2]
        uv = into_square(rotate_upright(flat, faces, up))
        if not doubly_covered(uv, faces):
            return uv
    raise RuntimeError(f'every map of {len(faces)} faces overlaps itself')


def tutte(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Put the border on the unit circle by arc length, the rest in the mean of its neighbours."""
    loops = border_loops(faces)
    if len(loops) != 1:
        raise ValueError(f'a disc has one border, these faces have {len(loops)}')
    rim = loops[0]
    step = np.linalg.norm(vertices[rim] - np.roll(vertices[rim], -1, 0), axis=1)
    angle = 2 * np.pi * np.concatenate([[0.], np.cumsum(step)[:-1]]) / step.sum()
    uv = np.zeros((len(vertices), 2))
    uv[rim] = np.stack([np.cos(angle), np.sin(angle)], 1)
    edges = np.unique(face_edges(faces)[0], axis=0)
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(len(vertices),) * 2)
    graph = (graph + graph.T).tocsr()
    laplacian = (diags(np.asarray(graph.sum(1)).ravel()) - graph).tocsr()
    free = np.setdiff1d(np.arange(len(vertices)), rim)
    uv[free] = spsolve(laplacian[free][:, free].tocsc(), -(laplacian[free][:, rim] @ uv[rim]))
    return uv


def rotate_upright(uv: np.ndarray, faces: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rotate a map so that the second axis is the direction in which ``up`` grows."""
    weight = np.zeros(len(uv))
    np.add.at(weight, faces, np.abs(signed_areas(uv, faces))[:, None])
    root = np.sqrt(weight)[:, None]
    design = np.concatenate([uv, np.ones((len(uv), 1))], 1)
    slope = np.linalg.lstsq(design * root, up * root[:, 0], rcond=None)[0][:2]
    cosine, sine = slope[1] / np.hypot(*slope), slope[0] / np.hypot(*slope)
    return uv @ np.array([[cosine, sine], [-sine, cosine]])


def into_square(uv: np.ndarray) -> np.ndarray:
    """Stretch the bounding box of a map to [0, 1]^2."""
    low, high = uv.min(0), uv.max(0)
    return (uv - low) / (high - low)


def doubly_covered(uv: np.ndarray, faces: np.ndarray, size: int = 400) -> int:
    """Count the cells of a size x size raster whose centre two or more triangles cover.

    Args:
        uv: (n, 2) in [0, 1].
        faces: (F, 3).
        size: cells along a side.

    Returns:
        Number of such cells: 0 for an injective map, up to the raster.
    """
    cover = np.zeros((size, size), np.int32)
    for triangle in uv[faces].astype(np.float64) * size - 0.5:
        low = np.clip(np.ceil(triangle.min(0)).astype(int), 0, size)
        high = np.clip(np.floor(triangle.max(0)).astype(int) + 1, 0, size)
        if (high <= low).any():
            continue
        x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]), indexing='ij')
        inside = np.ones(x.shape, bool)
        (ax, ay), (bx, by) = triangle[1:] - triangle[0]
        turn = np.sign(ax * by - ay * bx)
        for a, b in zip(triangle, np.roll(triangle, -1, 0), strict=True):
            side = (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
            inside &= side * turn > 1e-9
        cover[low[0]:high[0], low[1]:high[1]] += inside
    return int((cover > 1).sum())
