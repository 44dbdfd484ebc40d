"""The body that (I, U, V) coordinates refer to."""
import hashlib
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
from scipy.spatial import cKDTree

from .charts import NUM_SURFACES, SURFACE_TWIN
from .densepose_template import TOOL, template_parts
from .geodesics import GeodesicTable

OPEN_BODY = Path(__file__).with_name('open_body.npz')
"""The open body; NOTICE tells its origin, ``tools/build_open_body.py`` builds it."""

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
Mirror = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class MirrorRule:
    """Mirror (I, U, V) where left charts are exact twins of the right ones.

    Args:
        flips_u: (25,) bool, surfaces whose U becomes 1 - U.
    """

    def __init__(self, flips_u: np.ndarray) -> None:
        self.flips_u = np.asarray(flips_u, bool)
        if self.flips_u.shape != (NUM_SURFACES + 1,):
            raise ValueError(f'flips_u needs {NUM_SURFACES + 1} entries, got shape '
                             f'{self.flips_u.shape}')

    def __call__(self, surface: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mirror (..., ) surfaces and (..., 2) UV; see SurfaceTemplate.mirror."""
        uv = np.array(uv)
        uv[..., 0] = np.where(self.flips_u[surface], 1 - uv[..., 0], uv[..., 0])
        return SURFACE_TWIN[surface].astype(surface.dtype), uv


class SurfaceTemplate:
    """Turn (I, U, V) into vertices of a body and measure between them.

    M chart vertices: a vertex on a seam occurs once for each surface it belongs to.

    V of the open body grows upwards: towards the head on torso, head and legs, towards the
    shoulder on the arms, from the toes to the ankle on the feet, from the little finger to the
    thumb on the hands. The right surfaces are seen from outside, the left ones mirrored.

    Args:
        surface: (M,) surfaces 1..24 of the chart vertices.
        uv: (M, 2) their U, V in [0, 1].
        vertex: (M,) their mesh vertices, 0 .. num_vertices - 1.
        distance: function (a, b) -> metres of vertex ids, broadcasting, such as a GeodesicTable.
        mirror: function (surface, uv) -> (surface, uv), such as a MirrorRule.

    Raises:
        ValueError: arrays of different lengths, or a surface that is none of 1..24.

    Example:
        >>> body = SurfaceTemplate.load()
        >>> nose, ear = body.nearest_vertex([23, 23], [[0.98, 0.5], [0.48, 0.5]])
        >>> float(body.distance(nose, nose))
        0.0
    """

    def __init__(self, surface: np.ndarray, uv: np.ndarray, vertex: np.ndarray,
                 distance: Distance, mirror: Mirror) -> None:
        self.surface = np.asarray(surface, np.int64)
        self.uv = np.asarray(uv, np.float64)
        self.vertex = np.asarray(vertex, np.int64)
        if not (self.surface.shape == self.vertex.shape == self.uv.shape[:1]
                and self.uv.shape[1:] == (2,)):
            raise ValueError(f'a template needs surface (M,), uv (M, 2) and vertex (M,), got '
                             f'{self.surface.shape}, {self.uv.shape} and {self.vertex.shape}')
        _check_surfaces(self.surface, lowest=1)
        self._distance = distance
        self._mirror = mirror
        self._trees = {}
        for index in np.unique(self.surface).tolist():
            rows = np.nonzero(self.surface == index)[0]
            # of vertices at one place the first answers, as an argmin over distances would
            rows = rows[np.sort(np.unique(self.uv[rows], axis=0, return_index=True)[1])]
            self._trees[index] = cKDTree(self.uv[rows]), self.vertex[rows]

    @classmethod
    def load(cls, path: str | Path | None = None) -> 'SurfaceTemplate':
        """Load a template file; the same file is read once.

        Args:
            path: a file of ``tools/build_open_body.py`` or, for the official DensePose surface,
                of ``tools/convert_densepose_template.py``; the open body by default.

        Raises:
            FileNotFoundError: no such file.
            ValueError: it is no whole ``.npz``, or a key is missing.
        """
        return _load(cls, Path(path or OPEN_BODY).resolve())

    @property
    def num_vertices(self) -> int:
        """One more than the highest vertex of any chart."""
        return int(self.vertex.max()) + 1

    @cached_property
    def fingerprint(self) -> str:
        """A name for what :meth:`nearest_vertex` answers: a hash of the charts."""
        digest = hashlib.sha256()
        for part in (self.surface, self.uv, self.vertex):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def nearest_vertex(self, surface: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """Find the vertex whose (U, V) is nearest, within the same surface.

        Args:
            surface: (P,) integers 0..24.
            uv: (P, 2).

        Returns:
            (P,) int64 vertex ids, -1 where the surface is 0.

        Raises:
            ValueError: shapes that do not fit, UV that is not finite, a surface that is none of
                0..24 or that the template lacks.
        """
        surface, uv = _point_arrays(surface, uv)
        if surface.ndim != 1:
            raise ValueError(f'nearest_vertex needs surface (P,), got {surface.shape}')
        vertex = np.full(len(surface), -1, np.int64)
        for index in np.unique(surface[surface > 0]).tolist():
            if index not in self._trees:
                raise ValueError(f'the template has no surface {index}')
            chosen = surface == index
            tree, ids = self._trees[index]
            if not np.isfinite(uv[chosen]).all():
                raise ValueError(f'U, V of surface {index} must be finite')
            vertex[chosen] = ids[tree.query(uv[chosen])[1]]
        return vertex

    def distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Measure along the surface between vertices; arguments broadcast.

        Args:
            a: vertex ids, -1 for none.
            b: vertex ids, -1 for none.

        Returns:
            float64 metres; 0 where equal, inf where either is -1.
        """
        return self._distance(np.asarray(a), np.asarray(b))

    def mirror(self, surface: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the point that a mirror image shows: left and right change places.

        Args:
            surface: (...) integers 0..24; 0 stays 0.
            uv: (..., 2).

        Returns:
            New arrays of the same shapes and types.

        Raises:
            ValueError: shapes or surfaces that do not fit, or a template made of DensePose's files
                without that of the mirror.
        """
        surface, uv = _point_arrays(surface, uv)
        return self._mirror(surface, uv)


def _point_arrays(surface: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    surface, uv = np.asarray(surface), np.asarray(uv)
    if surface.size == 0:
        surface = surface.astype(np.int64)
    if uv.dtype.kind != 'f':
        uv = uv.astype(np.float64)
    if surface.dtype.kind not in 'iu':
        raise ValueError(f'surfaces must be integers, got {surface.dtype}')
    if uv.shape != (*surface.shape, 2):
        raise ValueError(f'uv must have the shape of surface and a last axis of 2, got '
                         f'{surface.shape} and {uv.shape}')
    _check_surfaces(surface, lowest=0)
    return surface, uv


def _check_surfaces(surface: np.ndarray, lowest: int) -> None:
    if surface.size and not (lowest <= surface.min() and surface.max() <= NUM_SURFACES):
        raise ValueError(f'surfaces must lie in {lowest}..{NUM_SURFACES}, got '
                         f'{surface.min()}..{surface.max()}')


@lru_cache(maxsize=4)
def _load(cls, path: Path) -> SurfaceTemplate:
    if not path.is_file():
        raise FileNotFoundError(f'no template file {path}: run {TOOL} to make one of the official '
                                'DensePose files')
    if not is_zipfile(path):
        raise ValueError(f'{path} is no template: it is no .npz, or not a whole one')
    with np.load(path, allow_pickle=False) as file:
        if 'distance_file' in file.files:
            return cls(**template_parts(path, dict(file)))
        names = ('vertices', 'faces', 'num_skin_faces', 'chart_surface', 'chart_uv',
                 'chart_vertex', 'mirror_u')
        missing = [name for name in names if name not in file.files]
        if missing:
            raise ValueError(f'{path} is no template: it lacks {", ".join(missing)}')
        data = {name: file[name] for name in names}
    skin = data['faces'][:int(data['num_skin_faces'])]
    return cls(data['chart_surface'], data['chart_uv'], data['chart_vertex'],
               GeodesicTable(data['vertices'], skin), MirrorRule(data['mirror_u']))
