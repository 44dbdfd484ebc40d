"""A small surface in the layout of the official DensePose files, which cannot be shipped.

Every surface is a square grid; surfaces 2k - 1 and 2k share a row of vertices, so there are more
chart vertices than vertices, as in the official files. The distances are random.
"""
import pickle
from pathlib import Path

import numpy as np
from scipy.io import savemat

from ktn_mm.surface.charts import NUM_SURFACES, SURFACE_TWIN

_SIZE = 256


def make_densepose_twin(folder: str | Path, *, side: int = 3, seed: int = 0,
                        dtype: str = 'float32', index_dtype: str = 'uint16', protocol: int = 2,
                        symmetry: bool = True) -> dict[str, np.ndarray]:
    """Write SMPL_subdiv.mat, SMPL_SUBDIV_TRANSFORM.mat, Pdist_matrix.pkl and the mirror.

    Args:
        folder: where to; made if missing.
        side: vertices along a side of a surface.
        seed: of everything random.
        dtype: of the distances.
        index_dtype: of ``index``; some copies of the official file have uint16.
        protocol: of the pickle.
        symmetry: whether to write UV_symmetry_transforms.mat.

    Returns:
        What was written, by key.
    """
    rng = np.random.default_rng(seed)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    grid = np.arange(side * side).reshape(side, side)
    square = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[:-1, 1:],
                       grid[1:, 1:], grid[:-1, 1:], grid[1:, :-1]], -1).reshape(-1, 3)
    faces = np.concatenate([square + s * side * side for s in range(NUM_SURFACES)])
    ticks = (np.arange(side) + .5) / side
    uv = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    uv = (uv + rng.uniform(-.2, .2, (NUM_SURFACES, *uv.shape)) / side).reshape(-1, 2)
    part = np.repeat(np.arange(1, NUM_SURFACES + 1), side * side)

    same = np.arange(len(part)).reshape(NUM_SURFACES // 2, 2, side, side)
    same[:, 1, 0] = same[:, 0, -1]
    _, index = np.unique(same.ravel(), return_inverse=True)
    n = int(index.max()) + 1
    index = rng.permutation(n)[index]
    body = rng.normal(0, .5, (n, 3))
    pairs = rng.uniform(.01, 2, (n * (n - 1) // 2, 1)).astype(dtype)

    charts = dict(vertex=body[index].T, faces=(faces.T + 1).astype('uint16'),
                  Part_ID_subdiv=part[:, None].astype('uint8'), U_subdiv=uv[:, :1],
                  V_subdiv=uv[:, 1:])
    transform = dict(index=(index[:, None] + 1).astype(index_dtype))
    savemat(folder / 'SMPL_subdiv.mat', charts)
    savemat(folder / 'SMPL_SUBDIV_TRANSFORM.mat', transform)
    with (folder / 'Pdist_matrix.pkl').open('wb') as file:
        pickle.dump(dict(Pdist_matrix=pairs), file, protocol=protocol)
    written = dict(charts, **transform, Pdist_matrix=pairs)
    if symmetry:
        cells = _mirror_cells()
        savemat(folder / 'UV_symmetry_transforms.mat', cells, do_compression=True)
        written.update(cells)
    return written


def _mirror_cells() -> dict[str, np.ndarray]:
    """Return U_transforms, V_transforms: the torso's U runs backwards, limbs turn by a quarter.

    The quarter turn goes one way on the one side and back on the other, so a wrong order of U and
    V, or of left and right, does not go unseen.
    """
    u, v = np.meshgrid(np.linspace(0, 1, _SIZE), np.linspace(0, 1, _SIZE))
    cells = {key: np.empty((1, NUM_SURFACES), object) for key in ('U_transforms', 'V_transforms')}
    for surface in range(1, NUM_SURFACES + 1):
        twin = SURFACE_TWIN[surface]
        pair = (1 - u, v) if twin == surface else (v, 1 - u) if surface < twin else (1 - v, u)
        cells['U_transforms'][0, surface - 1], cells['V_transforms'][0, surface - 1] = pair
    return cells
