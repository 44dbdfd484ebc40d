"""SurfaceTemplate: coordinates to vertices, mirror, and what it refuses."""
import numpy as np
import pytest

from ktn_mm.surface import OPEN_BODY, SURFACE_TWIN, SurfaceTemplate
from ktn_mm.surface.template import MirrorRule


@pytest.fixture(scope='module')
def template():
    return SurfaceTemplate.load()


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    return rng.integers(0, 25, 500), rng.random((500, 2))


def tiny(**changes):
    """Two vertices on surface 1, one on 3; distances are differences of the ids."""
    given = dict(surface=[1, 1, 3], uv=[[0., 0.], [1., 1.], [.5, .5]], vertex=[0, 1, 2],
                 distance=lambda a, b: np.abs(a - b).astype(float),
                 mirror=MirrorRule(np.arange(25) < 3))
    return SurfaceTemplate(**{**given, **changes})


def test_load_reads_a_file_once(template):
    assert SurfaceTemplate.load(OPEN_BODY) is template
    assert template.num_vertices > 12000


def test_nearest_vertex_is_the_nearest_of_its_surface(template, points):
    surface, uv = points
    found = template.nearest_vertex(surface, uv)
    assert found.dtype == np.int64
    for s, p, vertex in zip(surface, uv, found, strict=True):
        if s == 0:
            assert vertex == -1
            continue
        rows = np.nonzero(template.surface == s)[0]
        gap = np.linalg.norm(template.uv[rows] - p, axis=1)
        assert gap[template.vertex[rows] == vertex].min() == pytest.approx(gap.min(), abs=1e-12)


def test_chart_vertices_find_themselves(template):
    found = template.nearest_vertex(template.surface, template.uv)
    np.testing.assert_array_equal(found, template.vertex)


def test_no_points(template):
    assert template.nearest_vertex([], np.zeros((0, 2))).shape == (0,)
    surface, uv = template.mirror(np.zeros(0, int), np.zeros((0, 2), np.float32))
    assert surface.shape == (0,) and uv.shape == (0, 2)


def test_mirror_twice_is_identity(template, points):
    surface, uv = points
    kept = surface.copy(), uv.copy()
    once = template.mirror(surface, uv)
    np.testing.assert_array_equal(once[0], SURFACE_TWIN[surface])
    torso = np.isin(surface, [1, 2])
    np.testing.assert_allclose(once[1][torso], np.stack([1 - uv[torso, 0], uv[torso, 1]], 1))
    twice = template.mirror(*once)
    np.testing.assert_array_equal(twice[0], surface)
    np.testing.assert_allclose(twice[1], uv, atol=1e-15)
    np.testing.assert_array_equal(surface, kept[0])
    np.testing.assert_array_equal(uv, kept[1])


def test_mirror_finds_the_vertex_on_the_other_side(template):
    """The rule on coordinates and the mirror map of the mesh say the same."""
    with np.load(OPEN_BODY) as file:
        mirror = file['mirror'].astype(np.int64)
    image = template.nearest_vertex(*template.mirror(template.surface, template.uv))
    np.testing.assert_array_equal(image, mirror[template.vertex])


@pytest.mark.parametrize('kind', [np.float16, np.float32, np.float64])
def test_mirror_keeps_type_and_shape(template, kind):
    surface = np.array([[1, 3], [0, 24]], np.uint8)
    uv = np.full((2, 2, 2), 0.25, kind)
    mirrored, flipped = template.mirror(surface, uv)
    assert mirrored.dtype == np.uint8 and flipped.dtype == kind
    np.testing.assert_array_equal(mirrored, [[1, 4], [0, 23]])
    np.testing.assert_array_equal(flipped[..., 0], [[.75, .25], [.25, .25]])


def test_distance(template):
    hand, foot, head = template.nearest_vertex(np.array([3, 6, 23]), np.full((3, 2), 0.5))
    distance = template.distance(np.array([hand, foot, head])[:, None], [hand, foot, head, -1])
    assert distance.shape == (3, 4) and np.isinf(distance[:, 3]).all()
    np.testing.assert_array_equal(distance[:, :3], distance[:, :3].T)
    np.testing.assert_array_equal(np.diag(distance), 0)
    assert 1.2 < distance[0, 1] < 2.0 and 1.3 < distance[1, 2] < 2.0


def test_distance_is_the_same_on_the_other_side(template):
    rng = np.random.default_rng(2)
    with np.load(OPEN_BODY) as file:
        mirror = file['mirror'].astype(np.int64)
    a, b = rng.choice(template.vertex, (2, 500))
    gap = np.abs(template.distance(a, b) - template.distance(mirror[a], mirror[b]))
    assert gap.max() < 0.04 and gap.mean() < 0.004


def test_any_distance_function_serves():
    template = tiny()
    assert template.distance([0, 1], 2).tolist() == [2., 1.]
    found = template.nearest_vertex([1, 3, 0], [[.9, .9], [0., 0.], [0., 0.]])
    assert found.tolist() == [1, 2, -1]


@pytest.mark.parametrize('surface, uv, message', [
    ([25], [[0., 0.]], '0..24'),
    ([-1], [[0., 0.]], '0..24'),
    ([2], [[0., 0.]], 'no surface 2'),
    ([1], [[np.nan, 0.]], 'finite'),
    ([1, 1], [[0., 0.]], 'shape'),
    ([1.], [[0., 0.]], 'integers'),
    ([[1]], [[[0., 0.]]], 'surface \\(P,\\)')])
def test_bad_points(surface, uv, message):
    with pytest.raises(ValueError, match=message):
        tiny().nearest_vertex(np.array(surface), np.array(uv))


@pytest.mark.parametrize('changes, message', [
    (dict(vertex=[0, 1]), 'surface \\(M,\\)'),
    (dict(uv=[[0.], [1.], [1.]]), 'surface \\(M,\\)'),
    (dict(surface=[0, 1, 2]), '1..24')])
def test_bad_templates(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny(**changes)


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='nothing.npz'):
        SurfaceTemplate.load(tmp_path / 'nothing.npz')
    np.savez(tmp_path / 'other.npz', faces=np.zeros(3))
    with pytest.raises(ValueError, match='other.npz.*chart_uv'):
        SurfaceTemplate.load(tmp_path / 'other.npz')
    whole = OPEN_BODY.read_bytes()
    np.save(tmp_path / 'array.npy', np.zeros(3))
    single = (tmp_path / 'array.npy').read_bytes()
    for number, content in enumerate((b'', b'PK', single, whole[:len(whole) // 2])):
        (tmp_path / f'bad{number}.npz').write_bytes(content)
        with pytest.raises(ValueError, match=f'bad{number}.npz is no template'):
            SurfaceTemplate.load(tmp_path / f'bad{number}.npz')
    with pytest.raises(ValueError, match='25 entries'):
        MirrorRule(np.zeros(24))


def test_of_vertices_at_one_place_the_first_answers():
    rng = np.random.default_rng(0)
    grid = rng.integers(0, 6, (400, 2)) / 5
    template = tiny(surface=np.ones(400, int), uv=grid, vertex=rng.permutation(400))
    at = rng.random((200, 2))
    gaps = ((grid[:, None] - at) ** 2).sum(-1)
    np.testing.assert_array_equal(template.nearest_vertex(np.ones(200, int), at),
                                  template.vertex[gaps.argmin(0)])
