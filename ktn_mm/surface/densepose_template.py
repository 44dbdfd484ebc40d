"""The official DensePose surface as a template: its distances, its mirror, its file.

Letters as in ``densepose_files.py``.
"""
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ktn_mm.cache import whole_or_nothing

from . import densepose_files as files
from .charts import NUM_SURFACES, SURFACE_TWIN
from .vertex_pairs import vertex_pairs

TOOL = 'tools/convert_densepose_template.py'
CHUNK = 1 << 22
"""Distances that are copied at a time."""


class CondensedDistances:
    """Distances of vertex pairs from a table that holds every pair once.

    Vertices a > b stand at a(a-1)/2 + b: the lower triangle, row by row.

    Args:
        table: (K,) metres; memory-mapped, only what is asked for is read.

    Raises:
        ValueError: if K is no n(n-1)/2.
    """

    def __init__(self, table: np.ndarray) -> None:
        self.num_vertices = files.vertices_of_pairs(getattr(table, 'filename', 'table'),
                                                    len(table))
        self.table = np.asarray(table)

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Look up the geodesic distances of vertex pairs.

        Args:
            a: integer vertex ids, -1 for none.
            b: the same; the two broadcast.

        Returns:
            float64 metres of the broadcast shape: 0 where equal, inf where either is -1.

        Raises:
            IndexError: an id is not one of the mesh.
        """
        a, b = vertex_pairs(a, b, self.num_vertices)
        high, low = np.maximum(a, b), np.minimum(a, b)
        distance = np.where(low < 0, np.inf, 0.)
        pair = (low >= 0) & (low < high)
        # In order, so that every page of the file is touched once.
        place, back = np.unique((high * (high - 1) // 2 + low)[pair], return_inverse=True)
        distance[pair] = self.table[place].astype(np.float64)[back]
        return distance


class UVSymmetry:
    """Mirror (I, U, V) through a lookup table.

    The cell of U is U * 255, cut off; V alike. Background keeps its U, V.

    Source: UV_symmetry_transforms.mat and how DensePose's training reads it.

    Args:
        tables: (2, 24, 256, 256) mirrored U and V for every (surface - 1, V, U).
    """

    def __init__(self, tables: np.ndarray) -> None:
        size = files.SYMMETRY_SIZE
        self.tables = np.asarray(tables)
        if self.tables.shape != (2, NUM_SURFACES, size, size):
            raise ValueError(f'tables must be {(2, NUM_SURFACES, size, size)}, got '
                             f'{self.tables.shape}')

    def __call__(self, surface: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mirror (..., ) surfaces and (..., 2) UV; see SurfaceTemplate.mirror."""
        mirrored, body = np.array(uv), surface > 0
        if not np.isfinite(mirrored[body]).all():
            raise ValueError('U, V must be finite to be mirrored')
        # A thousandth of a cell on top, or rounding would drop some k / 255 into the cell before.
        cells = np.asarray(mirrored[body], np.float64) * (files.SYMMETRY_SIZE - 1) + 1e-3
        u, v = cells.clip(0, files.SYMMETRY_SIZE - 1).astype(np.int64).T
        mirrored[body] = self.tables[:, surface[body] - 1, v, u].T
        return SURFACE_TWIN[surface].astype(surface.dtype), mirrored


class NoMirror:
    """Stands where a template has no mirror; says so when it is asked.

    Args:
        template: the file that lacks it.
    """

    def __init__(self, template: Path) -> None:
        self.template = template

    def __call__(self, surface: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError(
            f'{self.template} has no mirror of U and V: {files.SYMMETRY_FILE} was missing when it '
            f'was made. Put it to the other files and run {TOOL} again; or do without flips: '
            'prob=0 in DensePoseRandomFlip and model.test_cfg.flip_test=False')


def template_parts(path: Path, content: Mapping[str, np.ndarray]) -> dict:
    """Return the arguments of SurfaceTemplate from a file of :func:`write_template`.

    Raises:
        FileNotFoundError: the distances are not next to it.
        ValueError: the distances are not those that belong to it.
    """
    table_path = path.with_name(str(content['distance_file']))
    if not table_path.is_file():
        raise FileNotFoundError(f'{table_path} is missing; it belongs to {path}, and {TOOL} '
                                'writes both')
    try:
        distance = CondensedDistances(np.load(table_path, mmap_mode='r', allow_pickle=False))
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f'{table_path}: cannot be read ({error}); run {TOOL} again') from error
    if distance.num_vertices != int(content['num_vertices']):
        raise ValueError(f'{table_path} has distances of {distance.num_vertices} vertices, but '
                         f'{path} needs {int(content["num_vertices"])}; run {TOOL} again')
    symmetry = content.get('symmetry')
    return dict(surface=content['chart_surface'], uv=content['chart_uv'],
                vertex=content['chart_vertex'], distance=distance,
                mirror=NoMirror(path) if symmetry is None else UVSymmetry(symmetry))


def convert(folder: Path, out: Path, *, progress=iter) -> files.ChartFiles:
    """Make a template of a folder of official files; everything is checked before it is written.

    Args:
        folder: holds the files.
        out: ``.npz`` to write; the distances go next to it.
        progress: wraps the sequence of chunks of distances, such as tqdm.

    Returns:
        What the small files say.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file cannot be used, or out is no ``.npz``; names file and key.
    """
    if out.suffix != '.npz':
        raise ValueError(f'{out}: the name of a template must end in .npz')
    source = files.find_distances(folder)
    charts = files.read_charts(folder)
    distances = files.read_distances(source, int(charts.vertex.max()) + 1)
    write_template(out, charts, distances, progress=progress)
    return charts


def write_template(out: Path, charts: files.ChartFiles, distances, *, progress=iter) -> Path:
    """Write a template file, and its distances next to it; each is there whole or not at all.

    Args:
        out: ``.npz`` to write.
        charts: of the official files.
        distances: K values that can be sliced, of :func:`densepose_files.read_distances`.
        progress: wraps the sequence of chunks, such as tqdm.

    Returns:
        The file of the distances, a flat ``.npy``.

    Raises:
        ValueError: a distance is negative or not a number.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    table_path = out.with_name(f'{out.stem}_distances.npy')
    # Written, not mapped: on a full disk a mapped file kills the process without a word.
    with whole_or_nothing(table_path) as file:
        np.lib.format.write_array_header_1_0(file, dict(
            descr=np.lib.format.dtype_to_descr(distances.dtype), fortran_order=False,
            shape=(distances.size,)))
        for start in progress(range(0, distances.size, CHUNK)):
            file.write(_chunk(distances, start).tobytes())
    symmetry = {} if charts.symmetry is None else dict(symmetry=charts.symmetry)
    with whole_or_nothing(out) as file:
        np.savez_compressed(
            file, distance_file=table_path.name,
            num_vertices=files.vertices_of_pairs(table_path, distances.size),
            chart_surface=charts.surface.astype(np.uint8), chart_uv=charts.uv,
            chart_vertex=charts.vertex.astype(np.int32), chart_faces=charts.faces.astype(np.int32),
            vertices=charts.vertices.astype(np.float32), **symmetry)
    return table_path


def _chunk(distances, start: int) -> np.ndarray:
    """Slice (K,), (K, 1) or (1, K) along its length."""
    chunk = np.s_[start:start + CHUNK]
    values = np.asarray(distances[:, chunk] if distances.shape[0] == 1 and distances.ndim == 2
                        else distances[chunk]).reshape(-1)
    bad = np.flatnonzero(~(values >= 0))
    if bad.size:
        raise ValueError(f'{files.DISTANCE_KEY}[{start + bad[0]}] is {values[bad[0]]}; distances '
                         'must be numbers, and not negative')
    return values
