"""The official files, on a twin of their layout: read, converted, compared with plain loops."""
import importlib.util
import math
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from ktn_mm.datasets import DensePoseRandomFlip
from ktn_mm.evaluation.gps import SURFACE_KAPPA
from ktn_mm.models.heads.decoding import mirror_table
from ktn_mm.surface import SURFACE_TWIN, SurfaceTemplate, densepose_files, densepose_template
from ktn_mm.surface.densepose_template import CondensedDistances, UVSymmetry, convert
from ktn_mm.testing import make_densepose_twin

TOOL = Path(__file__).resolve().parents[2] / 'tools/convert_densepose_template.py'
CHARTS, INDEX, PAIRS, SYMMETRY = ('SMPL_subdiv.mat', 'SMPL_SUBDIV_TRANSFORM.mat',
                                  'Pdist_matrix.pkl', 'UV_symmetry_transforms.mat')


@pytest.fixture(scope='module')
def twin(tmp_path_factory):
    """What was written, and the template that was made of it."""
    folder = tmp_path_factory.mktemp('twin')
    written = make_densepose_twin(folder / 'official')
    convert(folder / 'official', folder / 'made' / 'template.npz')
    return written, SurfaceTemplate.load(folder / 'made' / 'template.npz')


@pytest.fixture
def folder(tmp_path):
    """A twin to spoil."""
    make_densepose_twin(tmp_path / 'official', side=2, symmetry=False)
    return tmp_path / 'official'


def plain_vertex(written, surface, u, v):
    """The id in the closed mesh, from 0, of the nearest chart vertex of a surface."""
    best, least = -1, math.inf
    for m in range(len(written['Part_ID_subdiv'])):
        if written['Part_ID_subdiv'][m, 0] == surface:
            gap = math.hypot(written['U_subdiv'][m, 0] - u, written['V_subdiv'][m, 0] - v)
            if gap < least:
                best, least = int(written['index'][m, 0]) - 1, gap
    return best


def plain_distance(written, a, b):
    """Walk through the lower triangle row by row."""
    if min(a, b) < 0:
        return math.inf
    k = 0
    for row in range(max(a, b)):
        k += row
    return 0. if a == b else float(written['Pdist_matrix'][k + min(a, b), 0])


def plain_mirror(written, surface, u, v):
    cell = int(v * 255 + .001), int(u * 255 + .001)
    return (SURFACE_TWIN[surface], written['U_transforms'][0, surface - 1][cell],
            written['V_transforms'][0, surface - 1][cell])


def test_vertices_distances_and_mirror_are_those_of_plain_loops(twin):
    written, template = twin
    rng = np.random.default_rng(1)
    surface, uv = rng.integers(0, 25, 300), rng.random((300, 2))
    found = template.nearest_vertex(surface, uv)
    expected = [plain_vertex(written, s, *p) for s, p in zip(surface, uv, strict=True)]
    assert found.tolist() == expected
    assert found.max() < template.num_vertices < len(written['index']) == len(template.vertex)

    a, b = found[:20], found[100:140]
    expected = [[plain_distance(written, int(i), int(j)) for j in b] for i in a]
    measured = template.distance(a[:, None], b)
    assert measured.dtype == np.float64
    np.testing.assert_array_equal(measured, expected)
    np.testing.assert_array_equal(template.distance(found, found) == 0, found >= 0)

    body = surface > 0
    mirrored, flipped = template.mirror(surface, uv)
    for s, p, t, q in zip(surface[body], uv[body], mirrored[body], flipped[body], strict=True):
        assert (t, *q) == pytest.approx(plain_mirror(written, s, *p), abs=1e-7)
    np.testing.assert_array_equal(flipped[~body], uv[~body])


def test_a_seam_has_one_vertex_on_both_surfaces(twin):
    written, template = twin
    ends = [template.nearest_vertex([s], [[written['U_subdiv'][m, 0], written['V_subdiv'][m, 0]]])
            for s, m in ((1, 8), (2, 11))]  # a corner of the one, a corner of the other
    assert ends[0] == ends[1] and template.distance(*ends) == 0


def test_gps_of_the_annotation_itself_is_one(twin):
    _, template = twin
    vertex = template.nearest_vertex(template.surface, template.uv)
    np.testing.assert_array_equal(vertex, template.vertex)
    distance = template.distance(vertex, template.vertex)
    assert np.exp(-distance ** 2 / (2 * SURFACE_KAPPA[template.surface] ** 2)).min() == 1


def test_mirror_twice_is_identity_on_the_grid(twin):
    _, template = twin
    ticks = 1 - (np.arange(256) / 255).astype(np.float32)  # most lie a little below k / 255
    uv = np.stack(np.meshgrid(ticks, ticks), -1)
    for index in range(1, 25):
        surface = np.full(uv.shape[:2], index, np.uint8)
        once = template.mirror(surface, uv)
        twice = template.mirror(*once)
        assert once[0].dtype == np.uint8 and once[1].dtype == np.float32
        assert np.abs(once[1] - uv).max() > .9
        np.testing.assert_array_equal(twice[0], surface)
        np.testing.assert_allclose(twice[1], uv, atol=1e-6)


def test_the_flip_and_the_heads_table_use_it(twin):
    written, template = twin
    flip = DensePoseRandomFlip(1., template=template)
    flipped = flip._flip_dense(dict(
        img_shape=(50, 100), dp_points=np.float32([[10, 20]]), dp_surfaces=np.array([3]),
        dp_uv=np.float32([[.2, .6]])))
    assert flipped['dp_surfaces'] == [4]
    np.testing.assert_allclose(flipped['dp_uv'], [[.6, .8]], atol=1e-6)
    table = mirror_table(template).numpy()
    for surface in (1, 3, 4, 24):
        for channel, key in enumerate(('U_transforms', 'V_transforms')):
            np.testing.assert_allclose(table[channel, surface], written[key][0, surface - 1],
                                       atol=1e-6)


@pytest.mark.parametrize('changes', [
    dict(protocol=0), dict(protocol=2), dict(protocol=4), dict(protocol=5),
    dict(index_dtype='int64'), dict(index_dtype='float64'), dict(dtype='float64'),
    dict(dtype='>f4')], ids=str)
def test_other_ways_to_store_the_same(tmp_path, changes):
    written = make_densepose_twin(tmp_path, side=2, symmetry=False, **changes)
    convert(tmp_path, tmp_path / 'out.npz')
    template = SurfaceTemplate.load(tmp_path / 'out.npz')
    table = np.load(tmp_path / 'out_distances.npy', mmap_mode='r')
    # numpy itself swaps the bytes of '>f4' as it unpickles.
    assert table.dtype == changes.get('dtype', 'f4').replace('>', '=') and table.ndim == 1
    np.testing.assert_array_equal(table, written['Pdist_matrix'][:, 0])
    np.testing.assert_array_equal(template.vertex, written['index'][:, 0].astype(int) - 1)


def test_the_pickle_of_python_2(folder):
    """It spells bytes as texts; every byte but these few is an ASCII escape."""
    numbers = np.array([1.5, 0.25, 3.], '<f4')
    raw = b''.join(b'\\x%02x' % byte for byte in numbers.tobytes())
    path = folder / PAIRS
    path.write_bytes(
        b"(dp0\nS'Pdist_matrix'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\n"
        b"p3\n(I0\ntS'b'\ntRp4\n(I1\n(I3\nI1\ntcnumpy\ndtype\np5\n(S'f4'\nI0\nI1\ntRp6\n"
        b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'" + raw + b"'\ntbs.")
    np.testing.assert_array_equal(densepose_files.read_distances(path, 0), numbers)


def test_ids_of_16_bits_do_not_wrap_around():
    """a(a - 1)/2 of the official mesh is beyond 16 and, squared, beyond 31 bits."""
    n = 27554
    table = np.lib.stride_tricks.as_strided(np.zeros(1), (n * (n - 1) // 2, ), (0, ))
    seen = []

    class Table:
        def __getitem__(self, k):
            seen.extend(k.tolist())
            return np.ones(len(k))

    distance = CondensedDistances(table)
    distance.table = Table()
    distance(np.array([20000], np.uint16), np.array([27553], np.uint16))
    assert seen == [27553 * 27552 // 2 + 20000]
    with pytest.raises(IndexError, match='0?-1..27553, got 27554'):
        distance(27554, 0)


class Malice:
    def __reduce__(self):
        return (Path.touch, (self.path, ))


@pytest.mark.parametrize('inside', [True, False])
def test_a_pickle_that_is_a_program_is_refused(folder, tmp_path, inside):
    Malice.path = tmp_path / 'touched'
    content = dict(Pdist_matrix=np.array([Malice()], object)) if inside else Malice()
    (folder / PAIRS).write_bytes(pickle.dumps(content) + b' ' * 20000)
    with pytest.raises(ValueError, match='Pdist_matrix.pkl.* refused'):
        convert(folder, tmp_path / 'out.npz')
    assert not Malice.path.exists() and not (tmp_path / 'out.npz').exists()
    pickle.loads((folder / PAIRS).read_bytes())
    assert Malice.path.exists(), 'the pickle was harmless'


def change(path, **changes):
    """Rewrite a .mat file; None leaves a key out."""
    content = {k: v for k, v in loadmat(path).items() if not k.startswith('__')} | changes
    savemat(path, {k: v for k, v in content.items() if v is not None})


def pickled(content):
    return lambda path: path.write_bytes(pickle.dumps(content) + b' ' * 20000)


def cut(path):
    path.write_bytes(path.read_bytes()[:-path.stat().st_size // 3])


def cells(value, count=24, size=256):
    array = np.empty((1, count), object)
    for i in range(count):
        array[0, i] = np.full((size, size), value)
    return array


PARTS = np.repeat(np.arange(1, 25), 4)[:, None]
BAD = [
    (CHARTS, Path.unlink, 'lacks SMPL_subdiv.mat'),
    (INDEX, Path.unlink, 'lacks SMPL_SUBDIV_TRANSFORM.mat'),
    (PAIRS, Path.unlink, 'lacks Pdist_matrix.pkl or Pdist_matrix.mat'),
    (CHARTS, cut, 'SMPL_subdiv.mat: cannot be read'),
    (INDEX, lambda p: p.write_bytes(b''), 'TRANSFORM.mat: cannot be read'),
    (PAIRS, cut, 'Pdist_matrix.pkl: cannot be read .* truncated'),
    (PAIRS, lambda p: p.write_bytes(p.read_bytes()[:500]), 'has 500 bytes, too few .*truncated'),
    (CHARTS, lambda p: change(p, V_subdiv=None), 'SMPL_subdiv.mat: lacks the key V_subdiv'),
    (INDEX, lambda p: savemat(p, dict(other=1)), 'TRANSFORM.mat: lacks the key index'),
    (PAIRS, pickled({}), 'Pdist_matrix.pkl: lacks the key Pdist_matrix'),
    (PAIRS, pickled([1]), 'lacks the key Pdist_matrix, has list'),
    (CHARTS, lambda p: change(p, Part_ID_subdiv=PARTS - 1), 'Part_ID_subdiv must lie in 1..24'),
    (CHARTS, lambda p: change(p, Part_ID_subdiv=PARTS + .5), 'Part_ID_subdiv must hold whole'),
    (CHARTS, lambda p: change(p, Part_ID_subdiv=PARTS[:9]), 'faces must lie in 1..9'),
    (CHARTS, lambda p: change(p, U_subdiv=PARTS / 2), 'U_subdiv must be floats in'),
    (CHARTS, lambda p: change(p, V_subdiv=PARTS * np.nan), 'V_subdiv must be floats in'),
    (CHARTS, lambda p: change(p, V_subdiv=np.ones((9, 1))), 'V_subdiv has 9 entries.* has 96'),
    (CHARTS, lambda p: change(p, vertex=np.ones((96, 3))), r'vertex must be \(3, N\)'),
    (CHARTS, lambda p: change(p, vertex=np.ones((3, 9))), r'vertex must be \(3, 96\)'),
    (CHARTS, lambda p: change(p, faces=np.zeros((3, 9))), 'faces must lie in 1..96, got 0'),
    (INDEX, lambda p: change(p, index=PARTS[:9]), 'index has 9 entries'),
    (INDEX, lambda p: change(p, index=PARTS - 1), 'index must lie in 1'),
    (INDEX, lambda p: change(p, index=PARTS + 60), '72 vertices, but index .* up to 84'),
    (PAIRS, pickled(dict(Pdist_matrix=np.zeros(2557))), '2557 entries'),
    (PAIRS, pickled(dict(Pdist_matrix=np.zeros((72, 71)))), r'got \(72, 71\)'),
    (PAIRS, pickled(dict(Pdist_matrix=np.zeros(2556, int))), 'floats, got .* int64'),
    (PAIRS, pickled(dict(Pdist_matrix=[0.] * 2556)), 'floats, got list'),
    (PAIRS, pickled(dict(Pdist_matrix=np.r_[np.zeros(2000), np.nan, np.zeros(555)])),
     r'Pdist_matrix\[2000\] is nan'),
    (PAIRS, pickled(dict(Pdist_matrix=np.full(2556, -1.))), r'Pdist_matrix\[0\] is -1'),
    (SYMMETRY, lambda p: savemat(p, dict(U_transforms=cells(.5))), 'lacks the key V_transforms'),
    (SYMMETRY, lambda p: savemat(p, dict(U_transforms=cells(.5, 23), V_transforms=cells(.5))),
     r'U_transforms must be \(1, 24\) cells'),
    (SYMMETRY, lambda p: savemat(p, dict(U_transforms=cells(.5), V_transforms=cells(.5, size=9))),
     r'V_transforms of surface 1 must be \(256, 256\)'),
    (SYMMETRY, lambda p: savemat(p, dict(U_transforms=cells(99.), V_transforms=cells(.5))),
     r'U_transforms of surface 1 must lie in \[0, 1\], got 99'),
    (SYMMETRY, lambda p: p.write_bytes(b'no'), 'UV_symmetry_transforms.mat: cannot be read'),
]


@pytest.mark.parametrize('name, spoil, message', BAD, ids=[m for *_, m in BAD])
def test_bad_files_are_named(folder, tmp_path, name, spoil, message):
    spoil(folder / name)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        convert(folder, tmp_path / 'out' / 'template.npz')
    assert not list(tmp_path.glob('out/*')), 'something half done is left'


def test_matlab_files_of_distances(folder, tmp_path, monkeypatch):
    with (folder / PAIRS).open('rb') as file:
        pairs = pickle.load(file)['Pdist_matrix']
    (folder / PAIRS).unlink()
    old = folder / 'Pdist_matrix.mat'
    savemat(old, dict(Pdist_matrix=pairs))
    convert(folder, tmp_path / 'old.npz')

    old.write_bytes(b'MATLAB 7.3 MAT-file'.ljust(512) + densepose_files._HDF5_MARK
                    + bytes(pairs.nbytes))
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(ValueError, match='only h5py can read. Take Pdist_matrix.pkl'):
        convert(folder, tmp_path / 'new.npz')
    # MATLAB's (K, 1) is (1, K) in HDF5; a data set is sliced, but is no array.
    stored = type('DataSet', (), dict(shape=(1, pairs.size), ndim=2, size=pairs.size,
                                      dtype=pairs.dtype, __getitem__=lambda _, k: pairs.T[k]))()
    fake = types.SimpleNamespace(File=lambda path, mode: dict(Pdist_matrix=stored))
    monkeypatch.setitem(sys.modules, 'h5py', fake)
    monkeypatch.setattr(densepose_template, 'CHUNK', 100)
    convert(folder, tmp_path / 'new.npz')
    for name in ('old', 'new'):
        np.testing.assert_array_equal(np.load(tmp_path / f'{name}_distances.npy'), pairs[:, 0])


def test_without_the_symmetry_file_nothing_is_mirrored(folder, tmp_path):
    convert(folder, tmp_path / 'template.npz')
    template = SurfaceTemplate.load(tmp_path / 'template.npz')
    assert (template.nearest_vertex([1], [[.5, .5]]) >= 0).all()
    with pytest.raises(ValueError, match='template.npz has no mirror.*UV_symmetry_transforms.mat '
                                         'was missing.*prob=0.*model.test_cfg.flip_test=False'):
        template.mirror([1], [[.5, .5]])


def test_bad_templates_are_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match='run tools/convert_densepose_template.py'):
        SurfaceTemplate.load(tmp_path / 'template.npz')
    with pytest.raises(ValueError, match='end in .npz'):
        convert(folder, tmp_path / 'template')
    convert(folder, tmp_path / 'template.npz')
    table = tmp_path / 'template_distances.npy'
    whole = table.read_bytes()
    table.write_bytes(whole[:-50])
    with pytest.raises(ValueError, match='template_distances.npy: cannot be read'):
        SurfaceTemplate.load(tmp_path / 'template.npz')
    np.save(table, np.zeros(10))
    with pytest.raises(ValueError, match='distances of 5 vertices, but .*template.npz needs 72'):
        SurfaceTemplate.load(tmp_path / 'template.npz')
    table.unlink()
    with pytest.raises(FileNotFoundError, match='template_distances.npy is missing'):
        SurfaceTemplate.load(tmp_path / 'template.npz')
    with pytest.raises(ValueError, match='tables must be'):
        UVSymmetry(np.zeros((24, 256, 256)))
    with pytest.raises(ValueError, match='finite'):
        UVSymmetry(np.zeros((2, 24, 256, 256)))(np.array([1]), np.array([[np.nan, 0.]]))


def test_the_tool(folder, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location('convert_densepose_template', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(folder), str(tmp_path / 'o.npz')])
    tool.main()
    said = capsys.readouterr().out
    assert '96 chart vertices of 72 vertices' in said and 'flip prob 0' in said
    assert sorted(p.name for p in tmp_path.glob('o*')) == ['o.npz', 'o_distances.npy', 'official']
