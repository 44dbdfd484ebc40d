"""Reading the official DensePose surface files.

Letters: M chart vertices (29,408 in the official files), F faces, n vertices of the closed mesh
(27,554), K = n(n-1)/2 pairs of them.

Source: the files that DensePose's evaluation and training read (SMPL_subdiv.mat,
SMPL_SUBDIV_TRANSFORM.mat, Pdist_matrix.pkl or .mat, UV_symmetry_transforms.mat).
"""
import pickle
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.io import loadmat

from .charts import NUM_SURFACES

CHARTS_FILE = 'SMPL_subdiv.mat'
INDEX_FILE = 'SMPL_SUBDIV_TRANSFORM.mat'
DISTANCE_FILES = ('Pdist_matrix.pkl', 'Pdist_matrix.mat')
DISTANCE_KEY = 'Pdist_matrix'
SYMMETRY_FILE = 'UV_symmetry_transforms.mat'
SYMMETRY_SIZE = 256

_UV_SLACK = 0.01
_HDF5_MARK = b'\x89HDF\r\n\x1a\n'


class ChartFiles(NamedTuple):
    """What the small files of a folder say.

    Attributes:
        vertices: (M, 3) float64, the body.
        faces: (F, 3) int64 chart vertices, 0-based.
        surface: (M,) int64, 1..24.
        uv: (M, 2) in [0, 1].
        vertex: (M,) int64 vertex 0..n-1 of the closed mesh.
        symmetry: (2, 24, 256, 256) float32, mirrored U and V for every (surface - 1, V, U); None
            without the file.
    """

    vertices: np.ndarray
    faces: np.ndarray
    surface: np.ndarray
    uv: np.ndarray
    vertex: np.ndarray
    symmetry: np.ndarray | None


def find_distances(folder: Path) -> Path:
    """Check that the needed files are there; return the one of the distances.

    Raises:
        FileNotFoundError: names all that is missing.
    """
    missing = [name for name in (CHARTS_FILE, INDEX_FILE) if not (folder / name).is_file()]
    distances = [folder / name for name in DISTANCE_FILES if (folder / name).is_file()]
    if not distances:
        missing.append(' or '.join(DISTANCE_FILES))
    if missing:
        raise FileNotFoundError(f'{folder} lacks {", ".join(missing)}')
    return distances[0]


def read_charts(folder: Path) -> ChartFiles:
    """Read and check all but the distances.

    Raises:
        ValueError: a file cannot be read, a key is missing, or its content does not fit; the
            message names file and key.
    """
    path = folder / CHARTS_FILE
    content = _read_mat(path, 'vertex', 'faces', 'Part_ID_subdiv', 'U_subdiv', 'V_subdiv')
    surface = _integers(path, 'Part_ID_subdiv', _flat(path, 'Part_ID_subdiv', content), 1,
                        NUM_SURFACES)
    vertices = _triples(path, 'vertex', content)
    faces = _integers(path, 'faces', _triples(path, 'faces', content), 1, len(surface)) - 1
    if not np.isfinite(vertices).all():
        raise ValueError(f'{path}: vertex holds values that are not finite')
    uv = np.stack([_unit(path, key, _flat(path, key, content, like=surface))
                   for key in ('U_subdiv', 'V_subdiv')], 1)
    if len(vertices) != len(surface):
        raise ValueError(f'{path}: vertex must be (3, {len(surface)}), as many as in '
                         f'Part_ID_subdiv, got {content["vertex"].shape}')

    path = folder / INDEX_FILE
    index = _flat(path, 'index', _read_mat(path, 'index'), like=surface)
    vertex = _integers(path, 'index', index, 1, np.iinfo(np.int32).max) - 1
    symmetry = folder / SYMMETRY_FILE
    return ChartFiles(vertices.astype(np.float64), faces, surface, uv, vertex,
                      read_symmetry(symmetry) if symmetry.is_file() else None)


def read_symmetry(path: Path) -> np.ndarray:
    """Read the mirror of U and V.

    Returns:
        (2, 24, 256, 256) float32 in [0, 1]: U and V for every (surface - 1, V, U).
    """
    keys = ('U_transforms', 'V_transforms')
    content = _read_mat(path, *keys)
    tables = np.empty((2, NUM_SURFACES, SYMMETRY_SIZE, SYMMETRY_SIZE), np.float32)
    for table, key in zip(tables, keys, strict=True):
        cells = content[key]
        if cells.dtype != object or cells.size != NUM_SURFACES:
            raise ValueError(f'{path}: {key} must be (1, {NUM_SURFACES}) cells, got '
                             f'{cells.shape} {cells.dtype}')
        for surface, cell in enumerate(cells.ravel(), 1):
            if np.shape(cell) != table.shape[1:] or np.asarray(cell).dtype.kind not in 'fiu':
                raise ValueError(f'{path}: {key} of surface {surface} must be {table.shape[1:]} '
                                 f'numbers, got {np.shape(cell)}')
            # Cells that no body point uses may overshoot a little; another scale is an error.
            if not (np.isfinite(cell).all() and np.min(cell) >= -.5 and np.max(cell) <= 1.5):
                raise ValueError(f'{path}: {key} of surface {surface} must lie in [0, 1], got '
                                 f'{np.min(cell):g}..{np.max(cell):g}')
            table[surface - 1] = np.clip(cell, 0, 1)
    return tables


def read_distances(path: Path, num_vertices: int) -> Any:
    """Read the distances of all pairs of vertices.

    Args:
        path: ``Pdist_matrix.pkl`` or ``Pdist_matrix.mat``.
        num_vertices: the least n that other files ask for.

    Returns:
        K values that can be sliced, of the file's own type: an array, or an HDF5 data set of
        shape (K, 1) or (1, K), which is read as it is sliced.

    Raises:
        ValueError: the file cannot be read, lacks the key, or its content does not fit.
    """
    least = num_vertices * (num_vertices - 1) // 2
    if path.suffix == '.pkl' and path.stat().st_size < 2 * least:
        raise ValueError(f'{path}: has {path.stat().st_size} bytes, too few for {least} distances '
                         f'between {num_vertices} vertices: the file is truncated')
    if path.suffix == '.pkl':
        content = read_pickled_arrays(path)
        if not isinstance(content, dict) or DISTANCE_KEY not in content:
            found = list(content)[:5] if isinstance(content, dict) else type(content).__name__
            raise ValueError(f'{path}: lacks the key {DISTANCE_KEY}, has {found}')
        values = content[DISTANCE_KEY]
    elif is_hdf5(path):
        values = _open_hdf5(path)
    else:
        values = _read_mat(path, DISTANCE_KEY)[DISTANCE_KEY]
    shape = getattr(values, 'shape', None)
    if shape is None or sum(side > 1 for side in shape) > 1 or values.dtype.kind != 'f':
        raise ValueError(f'{path}: {DISTANCE_KEY} must be (n(n-1)/2, 1) floats, got '
                         f'{shape or type(values).__name__} {getattr(values, "dtype", "")}')
    vertices_of_pairs(path, values.size, num_vertices)
    return values.reshape(-1) if isinstance(values, np.ndarray) else values


def vertices_of_pairs(path: Path, pairs: int, num_vertices: int = 0) -> int:
    """Return n of n(n-1)/2 pairs.

    Raises:
        ValueError: if the number of pairs is none of these, or n is less than num_vertices.
    """
    n = (1 + isqrt(1 + 8 * pairs)) // 2
    if n * (n - 1) // 2 != pairs:
        raise ValueError(f'{path}: {DISTANCE_KEY} has {pairs} entries, which is no n(n-1)/2')
    if n < num_vertices:
        raise ValueError(f'{path}: {DISTANCE_KEY} is of {n} vertices, but index of {INDEX_FILE} '
                         f'goes up to {num_vertices}')
    return n


def read_pickled_arrays(path: Path) -> Any:
    """Unpickle numbers, texts, lists, dicts and numpy arrays; anything else is refused.

    Files of Python 2 are read too.

    Raises:
        ValueError: the file is truncated, no pickle, or asks for something else.
    """
    with path.open('rb') as file:
        try:
            return _ArrayUnpickler(file, encoding='latin1').load()
        except MemoryError:
            raise
        except Exception as error:  # a damaged pickle can fail in any way
            raise ValueError(f'{path}: cannot be read ({type(error).__name__}: {error}); it is '
                             'truncated, or not the official file') from error


def _encode_latin1(text: str, encoding: str) -> bytes:
    """How protocol 2 spells bytes; other codecs are not admitted."""
    if encoding not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'codec {encoding!r} is refused')
    return text.encode('latin1')


def _number_type(spec: str, *_) -> np.dtype:
    dtype = np.dtype(spec, copy=True)
    if dtype.kind not in 'biuf':
        raise pickle.UnpicklingError(f'arrays of {dtype} are refused')
    return dtype


def _empty_array(*_) -> np.ndarray:
    """What a pickle then fills."""
    return np.zeros(0, np.int8)


# numpy's modules are called differently in its versions. The class of arrays is only named in a
# pickle, not called, so a text does.
_ADMITTED = {
    ('numpy', 'ndarray'): 'ndarray', ('numpy', 'dtype'): _number_type,
    ('_codecs', 'encode'): _encode_latin1,
    **{(f'numpy.{core}.multiarray', '_reconstruct'): _empty_array for core in ('core', '_core')},
    **{(f'numpy.{core}.numeric', '_frombuffer'): np.zeros(1).__reduce_ex__(5)[0]
       for core in ('core', '_core')}}


class _ArrayUnpickler(pickle.Unpickler):
    """Knows the few functions that arrays are made of; no other is looked up, let alone run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f'{module}.{name} is refused')
        return _ADMITTED[module, name]


def is_hdf5(path: Path) -> bool:
    """Whether a .mat file is of version 7.3, which is HDF5 behind 512 bytes of text."""
    with path.open('rb') as file:
        head = file.read(512 + len(_HDF5_MARK))
    return head.startswith((_HDF5_MARK, b'MATLAB 7.3')) or head.endswith(_HDF5_MARK)


def _open_hdf5(path: Path) -> Any:
    try:
        import h5py
    except ImportError:
        raise ValueError(f'{path}: is a MATLAB 7.3 file, which only h5py can read. Take '
                         f'{DISTANCE_FILES[0]} instead, or pip install h5py') from None
    try:
        file = h5py.File(path, 'r')
    except OSError as error:
        raise ValueError(f'{path}: cannot be read ({error}); it may be truncated') from error
    if DISTANCE_KEY not in file:
        raise ValueError(f'{path}: lacks the key {DISTANCE_KEY}, has {list(file)[:5]}')
    return file[DISTANCE_KEY]


def _read_mat(path: Path, *keys: str) -> dict[str, np.ndarray]:
    if is_hdf5(path) and path.name not in DISTANCE_FILES:
        raise ValueError(f'{path}: is a MATLAB 7.3 file; the official one is of version 5')
    try:
        content = loadmat(path, appendmat=False, variable_names=keys)
    except MemoryError:
        raise
    except Exception as error:  # scipy raises anything on a damaged file
        raise ValueError(f'{path}: cannot be read ({type(error).__name__}: {error}); it may be '
                         'truncated') from error
    missing = [key for key in keys if key not in content]
    if missing:
        raise ValueError(f'{path}: lacks the key {", ".join(missing)}')
    return content


def _flat(path: Path, key: str, content: dict, like: np.ndarray | None = None) -> np.ndarray:
    """Return (M, 1) or (1, M) as (M,)."""
    array = content[key]
    if array.size != max(array.shape, default=0) or not array.size:
        raise ValueError(f'{path}: {key} must be (M, 1), got {array.shape}')
    if like is not None and array.size != len(like):
        raise ValueError(f'{path}: {key} has {array.size} entries, but Part_ID_subdiv of '
                         f'{CHARTS_FILE} has {len(like)}')
    return array.reshape(-1)


def _triples(path: Path, key: str, content: dict) -> np.ndarray:
    """Return (3, N), as the official files have it, as (N, 3)."""
    array = content[key]
    if array.ndim != 2 or array.shape[0] != 3 or array.dtype.kind not in 'fiu':
        raise ValueError(f'{path}: {key} must be (3, N) numbers, got {array.shape} {array.dtype}')
    return array.T


def _integers(path: Path, key: str, array: np.ndarray, lowest: int, highest: int) -> np.ndarray:
    # int64 at once: arithmetic on the uint16 of some files would wrap around.
    if array.dtype.kind not in 'fiu' or not np.array_equal(array, np.floor(array)):
        raise ValueError(f'{path}: {key} must hold whole numbers, got {array.dtype}')
    array = array.astype(np.int64)
    if array.min() < lowest or array.max() > highest:
        raise ValueError(f'{path}: {key} must lie in {lowest}..{highest}, got '
                         f'{array.min()}..{array.max()}')
    return array


def _unit(path: Path, key: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind != 'f' or not ((array >= -_UV_SLACK) & (array <= 1 + _UV_SLACK)).all():
        raise ValueError(f'{path}: {key} must be floats in [0, 1], got {array.dtype} '
                         f'{array.min()}..{array.max()}')
    return array
