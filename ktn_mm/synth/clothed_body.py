"""A body that can wear a skirt and shoes: clothes that do not follow the skin."""
import functools

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from ktn_mm.surface.charts import SURFACES
from ktn_mm.synth.body import OPEN_BODY, Body, Figure

COLUMNS, ROWS = 48, 28
TRUNK = [s.index for s in SURFACES if s.noun in ('torso', 'leg')]
EASE = .014
"""Metres between the widest body under the skirt and the cloth."""
SHOE_COLUMNS, SHOE_RINGS = 26, 24
SHOE_EASE, SOLE, SHOE_TOP = .009, .016, .105
"""Metres around the foot, below it, and from the floor to the ankle's opening."""


class ClothedBody(Body):
    """The open body, around its legs a skirt, around its feet shoes.

    The skirt is a tube of :data:`ROWS` rings from the waist to the ankles, a shoe a closed tube
    of :data:`SHOE_RINGS` rings from the heel to the tip. A point of them has the I, U, V of the
    closest point of the skin in the rest pose. Their faces come after the skin's and the eyes'.
    What is not worn is folded up inside the body; see :meth:`hang`.
    """

    def _read(self, file) -> None:
        super()._read(file)
        self.num_body_faces = len(self.faces)
        points = self._rings()
        faces = _tube(ROWS, COLUMNS)
        self._skirt = self._append(points, faces, TRUNK, *self._hold(points))
        self.num_skirt_faces = len(faces)
        self._shoes, self._feet = [], []
        for surface, bone in ((5, 'foot.L'), (6, 'foot.R')):
            self._feet.append(np.unique(self.faces[self.face_surface == surface]))
            points = self._shoe(surface)
            bones = np.zeros((len(points), self._skin_bones.shape[1]), np.int64)
            weights = np.zeros(bones.shape)
            bones[:, 0], weights[:, 0] = self.bone[bone], 1
            self._shoes.append(self._append(points, _tube(SHOE_RINGS, SHOE_COLUMNS), [surface],
                                            bones, weights))

    def _append(self, points: np.ndarray, faces: np.ndarray, surfaces: list[int],
                bones: np.ndarray, weights: np.ndarray) -> slice:
        """Add a tube that lies over some surfaces; return where its vertices are."""
        start = len(self.vertices)
        surface, uv, nearest = self._bind(points, faces, surfaces)
        self.faces = np.concatenate([self.faces, faces + start])
        self.face_surface = np.concatenate([self.face_surface, surface])
        self.face_uv = np.concatenate([self.face_uv, uv])
        self.vertices = np.concatenate([self.vertices, points])
        self._shape_vertices = np.concatenate(
            [self._shape_vertices, self._shape_vertices[:, nearest]], 1)
        self._skin_bones = np.concatenate([self._skin_bones, bones])
        self._skin_weights = np.concatenate([self._skin_weights, weights])
        return slice(start, start + len(points))

    def _shoe(self, surface: int) -> np.ndarray:
        """Return the rings of a shoe (SHOE_RINGS * SHOE_COLUMNS, 3), from the heel to the tip."""
        foot = self.vertices[np.unique(self.faces[self.face_surface == surface])]
        heel, tip, floor = foot[:, 1].max(), foot[:, 1].min(), foot[:, 2].min()
        length = heel - tip
        # Clockwise seen from the heel, so that the faces look outwards.
        angle = -np.arange(SHOE_COLUMNS) / SHOE_COLUMNS * 2 * np.pi
        cos, sin = np.cos(angle), np.sin(angle)
        stations = (1 - np.cos(np.linspace(0, np.pi, SHOE_RINGS))) / 2
        low, high, top = [], [], []
        for station in stations:
            y = heel - station * length
            near = foot[np.abs(foot[:, 1] - y) < .14 * length]
            low.append(near[:, 0].min())
            high.append(near[:, 0].max())
            top.append(near[:, 2].max())
        low, high, top = (gaussian_filter1d(np.array(values), 1.2, mode='nearest')
                          for values in (low, high, top))
        top = np.minimum(np.minimum.accumulate(top), floor + SHOE_TOP)
        # Round at both ends; the tip flatter than the heel.
        end = np.clip(1 - np.abs(2 * stations - 1) ** 7, 0, 1) ** .42
        rings = []
        for k, station in enumerate(stations):
            wide = ((high[k] - low[k]) / 2 + SHOE_EASE) * end[k]
            tall = (top[k] - floor + SHOE_EASE) * (.35 + .65 * end[k]) * min(1, 9 * end[k])
            x = (low[k] + high[k]) / 2 + wide * np.sign(cos) * np.abs(cos) ** .75
            # Flat below, round above.
            z = floor - SOLE + tall * (.5 + .5 * np.sign(sin)
                                       * np.where(sin < 0, np.abs(sin) ** .35, np.abs(sin) ** .7))
            y = heel + SHOE_EASE - station * (length + 2 * SHOE_EASE)
            rings.append(np.stack([x, np.full(SHOE_COLUMNS, y), z], 1))
        return np.concatenate(rings)

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

    def _bind(self, points: np.ndarray, faces: np.ndarray,
              surfaces: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return each face's surface and U, V, and each vertex's nearest of the body."""
        skin = np.flatnonzero(np.isin(self.face_surface, surfaces)
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
        """Bend a body as :meth:`Body.pose` does; what is folded up stays a point."""
        result = super().pose(figure, rotations, vertices)
        rest = figure.vertices if vertices is None else vertices
        for part in (self._skirt, *self._shoes):
            if (rest[part] == rest[part][0]).all():
                result[part] = result[part].mean(0)
        return result

    def hang(self, vertices: np.ndarray, last: int, flare: float, *, shod: bool) -> np.ndarray:
        """Cut and widen the skirt of a body at rest; take off shoes.

        Args:
            vertices: (N, 3) of a figure, clothed.
            last: the ring that is the hem; 0 for no skirt.
            flare: how much wider it is at the ankles, 0 straight, 1 twice.
            shod: whether shoes are worn.

        Returns:
            (N, 3): the rings below the hem lie on it.
        """
        result = vertices.copy()
        for part, foot in zip(self._shoes, self._feet, strict=True):
            if shod:
                result[foot] = _squeeze(result[foot])
            else:
                result[part] = result[part].mean(0)
        rings = result[self._skirt].reshape(ROWS, COLUMNS, 3)
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
        return (faces >= self.num_body_faces) & (
            faces < self.num_body_faces + self.num_skirt_faces)

    def is_eyeball(self, faces: np.ndarray) -> np.ndarray:
        """Tell which faces are the eyes'."""
        return super().is_eyeball(faces) & (faces < self.num_body_faces)


def _tube(rows: int, columns: int) -> np.ndarray:
    """Return the faces of a tube of rings; the two halves of its squares, one after the other."""
    ring, column = np.divmod(np.arange((rows - 1) * columns), columns)
    a = ring * columns + column
    b = ring * columns + (column + 1) % columns
    return np.concatenate([np.stack([a, a + columns, b], 1),
                           np.stack([b, a + columns, b + columns], 1)])


def _squeeze(foot: np.ndarray) -> np.ndarray:
    """Return a foot (P, 3) of which the toes are flat enough for any shoe."""
    low, high = foot.min(0), foot.max(0)
    ahead = (high[1] - foot[:, 1]) / (high[1] - low[1])
    toes = np.clip((ahead - .3) / .35, 0, 1)
    squeezed = foot.copy()
    squeezed[:, 2] -= .35 * toes * (foot[:, 2] - low[2])
    squeezed[:, 0] -= .15 * toes * (foot[:, 0] - (low[0] + high[0]) / 2)
    squeezed[:, 1] += .05 * toes * (high[1] - low[1])
    return squeezed


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
def clothed_body() -> ClothedBody:
    """Return the open body with a skirt and shoes, made once per process."""
    return ClothedBody(OPEN_BODY)
