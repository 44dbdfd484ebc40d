"""A body that can wear a skirt: cloth that does not follow the skin."""
import functools

import numpy as np
from scipy.spatial import cKDTree

from ktn_mm.surface.charts import SURFACES
from ktn_mm.synth.body import OPEN_BODY, Body, Figure

COLUMNS, ROWS = 48, 28
TRUNK = [s.index for s in SURFACES if s.noun in ('torso', 'leg')]
EASE = .014
"""Metres between the widest body under the skirt and the cloth."""


class SkirtedBody(Body):
    """The open body and around its legs a skirt, from the waist to the ankles.

    The skirt is a tube of :data:`ROWS` rings. A point of it has the I, U, V of the closest point
    of the skin in the rest pose. Its faces come last. Who wears none has it folded up inside the
    hips; see :meth:`hang`.
    """

    def _read(self, file) -> None:
        super()._read(file)
        self.num_body_faces, self.num_body_vertices = len(self.faces), len(self.vertices)
        points = self._rings()
        ring, column = np.divmod(np.arange((ROWS - 1) * COLUMNS), COLUMNS)
        a = ring * COLUMNS + column
        b = ring * COLUMNS + (column + 1) % COLUMNS
        faces = np.concatenate([np.stack([a, a + COLUMNS, b], 1),
                                np.stack([b, a + COLUMNS, b + COLUMNS], 1)])
        surface, uv, nearest = self._bind(points, faces)
        bones, weights = self._hold(points)
        self.faces = np.concatenate([self.faces, faces + self.num_body_vertices])
        self.face_surface = np.concatenate([self.face_surface, surface])
        self.face_uv = np.concatenate([self.face_uv, uv])
        self.vertices = np.concatenate([self.vertices, points])
        self._shape_vertices = np.concatenate(
            [self._shape_vertices, self._shape_vertices[:, nearest]], 1)
        self._skin_bones = np.concatenate([self._skin_bones, bones])
        self._skin_weights = np.concatenate([self._skin_weights, weights])

    def _rings(self) -> np.ndarray:
        """Return the rings' vertices (ROWS * COLUMNS, 3), from the waist down."""
        heads = {name: self.bone_heads[self.bone[name]]
                 for name in ('upperleg01.L', 'spine05', 'foot.L')}
        top, bottom = heads['spine05'][2] + .06, heads['foot.L'][2]
        under = np.zeros(len(self.vertices), bool)
        under[self.faces[np.isin(self.face_surface, TRUNK)].reshape(-1)] = True
        angle = np.arange(COLUMNS) / COLUMNS * 2 * np.pi
        rings, widest = [], np.zeros(2)
        for height in np.linspace(top, bottom, ROWS):
            near = self.vertices[under & (np.abs(self.vertices[:, 2] - height) < .03)]
            low, high = near[:, :2].min(0), near[:, :2].max(0)
            middle = np.array([0, (low[1] + high[1]) / 2])
            extent = np.array([max(-low[0], high[0]), (high[1] - low[1]) / 2])
            if height < heads['upperleg01.L'][2]:
                # Below the hips cloth falls straight, or wider.
                extent = np.maximum(extent, widest * .97)
            widest = np.maximum(extent, .9 * widest)
            corner = np.stack([np.cos(angle), np.sin(angle)], 1)
            corner = np.sign(corner) * np.abs(corner) ** .8
            rings.append(np.column_stack([middle + corner * (extent + EASE),
                                          np.full(COLUMNS, height)]))
        return np.concatenate(rings)

    def _bind(self, points: np.ndarray,
              faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return each skirt face's surface and U, V, and each vertex's nearest of the body."""
        skin = np.flatnonzero(np.isin(self.face_surface, TRUNK)
                              & (np.arange(len(self.faces)) < self.num_skin_faces))
        centers = self.vertices[self.faces[skin]].mean(1)
        # The two halves of a square share their surface, so that borders are not saw-toothed.
        middles = points[faces].mean(1).reshape(2, -1, 3).mean(0)
        surface = np.tile(self.face_surface[skin[cKDTree(centers).query(middles)[1]]], 2)
        uv = np.zeros((len(faces), 3, 2))
        for index in np.unique(surface):
            own = skin[self.face_surface[skin] == index]
            mine = np.flatnonzero(surface == index)
            corners = points[faces[mine]].reshape(-1, 3)
            face = own[cKDTree(self.vertices[self.faces[own]].mean(1)).query(corners)[1]]
            weights = _project(corners, self.vertices[self.faces[face]])
            uv[mine] = np.einsum('pk,pkd->pd', weights, self.face_uv[face]).reshape(-1, 3, 2)
        body = np.unique(self.faces[skin])
        return surface, uv, body[cKDTree(self.vertices[body]).query(points)[1]]

    def _hold(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the bones and weights that carry the skirt."""
        hip = self.bone_heads[self.bone['upperleg01.L']]
        down = np.clip((hip[2] + .07 - points[:, 2]) / .22, 0, 1)
        # By the column alone, so that rings that lie on each other stay there.
        angle = np.arange(len(points)) % COLUMNS / COLUMNS * 2 * np.pi
        left = np.clip(.5 + 1.1 * np.cos(angle), 0, 1)
        left = left * left * (3 - 2 * left)
        count = self._skin_bones.shape[1]
        bones = np.zeros((len(points), count), np.int64)
        weights = np.zeros((len(points), count))
        for k, (name, weight) in enumerate((('root', 1 - down), ('upperleg02.L', down * left),
                                            ('upperleg02.R', down * (1 - left)))):
            bones[:, k], weights[:, k] = self.bone[name], weight
        return bones, weights

    def pose(self, figure: Figure, rotations: np.ndarray,
             vertices: np.ndarray | None = None) -> np.ndarray:
        """Bend a body as :meth:`Body.pose` does; a skirt that is folded up stays a point."""
        result = super().pose(figure, rotations, vertices)
        rest = (figure.vertices if vertices is None else vertices)[self.num_body_vertices:]
        if (rest == rest[0]).all():
            result[self.num_body_vertices:] = result[self.num_body_vertices:].mean(0)
        return result

    def hang(self, vertices: np.ndarray, last: int, flare: float) -> np.ndarray:
        """Cut and widen the skirt of a body at rest.

        Args:
            vertices: (N, 3) of a figure, clothed.
            last: the ring that is the hem; 0 for no skirt.
            flare: how much wider it is at the ankles, 0 straight, 1 twice.

        Returns:
            (N, 3): the rings below the hem lie on it.
        """
        result = vertices.copy()
        rings = result[self.num_body_vertices:].reshape(ROWS, COLUMNS, 3)
        if last == 0:
            rings[:] = rings[ROWS // 3].mean(0)
            return result
        middle = rings[:, :, :2].mean(1, keepdims=True)
        wider = 1 + flare * np.clip(np.arange(ROWS) / ROWS - .25, 0, 1)[:, None, None]
        rings[:, :, :2] = middle + (rings[:, :, :2] - middle) * wider
        rings[last + 1:] = rings[last]
        return result

    def is_skirt(self, faces: np.ndarray) -> np.ndarray:
        """Tell which faces are the skirt's."""
        return faces >= self.num_body_faces


def _project(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return barycentric weights (P, 3) near the points (P, 3) inside triangles (P, 3, 3)."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    u, v, w = b - a, c - a, points - a
    uu, uv, vv, wu, wv = (np.einsum('pd,pd->p', *pair)
                          for pair in ((u, u), (u, v), (v, v), (w, u), (w, v)))
    scale = np.maximum(uu * vv - uv * uv, 1e-18)
    s, t = (vv * wu - uv * wv) / scale, (uu * wv - uv * wu) / scale
    weights = np.clip(np.stack([1 - s - t, s, t], 1), 0, None)
    return weights / weights.sum(1, keepdims=True)


@functools.lru_cache(maxsize=1)
def skirted_body() -> SkirtedBody:
    """Return the open body with a skirt, made once per process."""
    return SkirtedBody(OPEN_BODY)
