"""The open body at run time: shape, skeleton, skin."""
import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from ktn_mm.surface.charts import NUM_KEYPOINTS

OPEN_BODY = Path(__file__).resolve().parent.parent / 'surface' / 'open_body.npz'


class Figure(NamedTuple):
    """A body of one shape, in the rest pose.

    Attributes:
        vertices: (N, 3) metres; +x the person's left, -y front, +z up.
        heads: (B, 3) where the bones begin.
    """

    vertices: np.ndarray
    heads: np.ndarray


class Body:
    """The mesh, its surfaces, its skeleton and its space of shapes.

    Args:
        path: an ``open_body.npz``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file lacks an array.
    """

    def __init__(self, path: str | Path = OPEN_BODY) -> None:
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'no open body at {path}; tools/build_open_body.py writes it')
        with np.load(path, allow_pickle=False) as file:
            try:
                self._read(file)
            except KeyError as error:
                raise ValueError(f'{path}: {error.args[0]}') from error

    def _read(self, file) -> None:
        self.vertices = file['vertices'].astype(np.float64)
        self.faces = file['faces'].astype(np.int64)
        self.num_skin_faces = int(file['num_skin_faces'])
        self.face_surface = file['face_surface'].astype(np.uint8)
        self.face_uv = file['chart_uv'].astype(np.float64)[file['chart_faces'].astype(np.int64)]
        self.bone_names = [str(name) for name in file['bone_names']]
        self.bone_parents = file['bone_parents'].astype(np.int64)
        self.bone_heads = file['bone_heads'].astype(np.float64)
        self.bone = {name: index for index, name in enumerate(self.bone_names)}
        self._skin_bones = file['skin_bones'].astype(np.int64)
        self._skin_weights = file['skin_weights'].astype(np.float64)
        self._skin_weights /= self._skin_weights.sum(1, keepdims=True)
        self._shape_std = file['shape_std'].astype(np.float64)
        self._shape_vertices = file['shape_vertices'].astype(np.float64)
        self._shape_heads = file['shape_heads'].astype(np.float64)
        self._keypoint_index = file['keypoint_index'].astype(np.int64)
        weight = file['keypoint_weight'].astype(np.float64)
        self._keypoint_weight = weight / weight.sum(1, keepdims=True)

    @property
    def num_shapes(self) -> int:
        """Number of shape coefficients."""
        return len(self._shape_std)

    def shape(self, coefficients: np.ndarray) -> Figure:
        """Return the body of the given shape; coefficients (C,) are in standard deviations."""
        # einsum and not BLAS: the sum's order must not depend on the number of threads.
        scaled = np.asarray(coefficients) * self._shape_std
        return Figure(self.vertices + np.einsum('c,cnd->nd', scaled, self._shape_vertices),
                      self.bone_heads + np.einsum('c,cnd->nd', scaled, self._shape_heads))

    def pose(self, figure: Figure, rotations: np.ndarray,
             vertices: np.ndarray | None = None) -> np.ndarray:
        """Bend a body by linear blend skinning.

        Args:
            figure: the body at rest.
            rotations: (B, 3, 3) world rotation of each bone away from its rest.
            vertices: (N, 3) to bend instead of the figure's own (its clothed skin).

        Returns:
            (N, 3) vertices; the root bone stays where it was.
        """
        heads = figure.heads
        moved = heads.copy()
        for bone, parent in enumerate(self.bone_parents):
            if parent >= 0:
                moved[bone] = moved[parent] + rotations[parent] @ (heads[bone] - heads[parent])
        shifts = moved - np.einsum('bij,bj->bi', rotations, heads)
        affine = np.concatenate([rotations, shifts[:, :, None]], 2)
        vertices = figure.vertices if vertices is None else vertices
        mixed = np.zeros((len(vertices), 3, 4))
        for k in range(self._skin_bones.shape[1]):
            mixed += self._skin_weights[:, k, None, None] * affine[self._skin_bones[:, k]]
        return np.einsum('nij,nj->ni', mixed[:, :, :3], vertices) + mixed[:, :, 3]

    def keypoints(self, vertices: np.ndarray) -> np.ndarray:
        """Return COCO's keypoints (17, 3) of the vertices."""
        points = vertices[self._keypoint_index.reshape(-1)].reshape(NUM_KEYPOINTS, -1, 3)
        return np.einsum('kn,knd->kd', self._keypoint_weight, points)

    def is_eyeball(self, faces: np.ndarray) -> np.ndarray:
        """Tell which faces are the eyes', (P,)."""
        return faces >= self.num_skin_faces

    def is_skirt(self, faces: np.ndarray) -> np.ndarray:
        """Tell which faces are cloth that hangs, (P,): none of this body's."""
        return np.zeros(len(faces), bool)

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Return smooth unit normals (N, 3), pointing outwards."""
        a, b, c = (vertices[self.faces[:, k]] for k in range(3))
        normals = self._faces_of_vertex @ np.cross(b - a, c - a)
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)

    @functools.cached_property
    def _faces_of_vertex(self) -> csr_matrix:
        rows = self.faces.reshape(-1)
        columns = np.repeat(np.arange(len(self.faces)), 3)
        shape = (len(self.vertices), len(self.faces))
        return coo_matrix((np.ones(len(rows)), (rows, columns)), shape).tocsr()

    @functools.cached_property
    def smoothing(self) -> csr_matrix:
        """(N, N): mean of a vertex and its neighbours."""
        rows = self.faces[:, [0, 1, 2, 1, 2, 0]].reshape(-1)
        columns = self.faces[:, [1, 2, 0, 0, 1, 2]].reshape(-1)
        count = len(self.vertices)
        edges = coo_matrix((np.ones(len(rows)), (rows, columns)), (count, count)).tocsr()
        edges.data[:] = 1
        edges.setdiag(edges.sum(1).A1)
        return csr_matrix(edges.multiply(1 / edges.sum(1)))

    @functools.cached_property
    def vertex_area(self) -> np.ndarray:
        """(N,): share of the skin, at rest, that belongs to each vertex; sum 1."""
        faces = self.faces[:self.num_skin_faces]
        a, b, c = (self.vertices[faces[:, k]] for k in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        total = np.bincount(faces.reshape(-1), np.repeat(area, 3), len(self.vertices))
        return total / total.sum()

    @functools.cached_property
    def vertex_surface(self) -> np.ndarray:
        """(N,) uint8: a surface that each vertex lies on."""
        surface = np.zeros(len(self.vertices), np.uint8)
        surface[self.faces.reshape(-1)] = np.repeat(self.face_surface, 3)
        skin = slice(0, self.num_skin_faces)
        surface[self.faces[skin].reshape(-1)] = np.repeat(self.face_surface[skin], 3)
        return surface


@functools.lru_cache(maxsize=1)
def open_body() -> Body:
    """Return the body that comes with the package, read once per process."""
    return Body()
