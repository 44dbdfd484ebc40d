"""Distances on meshes whose geodesics are known, and on the open body against exact ones."""
import os

import numpy as np
import pytest
from scipy.sparse.csgraph import dijkstra

from ktn_mm.surface import OPEN_BODY, GeodesicTable
from ktn_mm.surface.geodesics import edge_graph


def grid(size, shape):
    """Triangulate a size x size grid whose (u, v) in [0, 1]^2 a function puts into space."""
    ids = np.arange(size * size).reshape(size, size)
    low, right, up, both = (ids[:-1, :-1].ravel(), ids[1:, :-1].ravel(), ids[:-1, 1:].ravel(),
                            ids[1:, 1:].ravel())
    faces = np.concatenate([np.stack([low, right, both], 1), np.stack([low, both, up], 1)])
    u, v = np.meshgrid(*[np.linspace(0, 1, size)] * 2, indexing='ij')
    return shape(u.ravel(), v.ravel()), faces


def plane(u, v):
    return np.stack([u, v, 0 * u], 1)


def half_pipe(u, v):
    return np.stack([np.cos(np.pi * u), np.sin(np.pi * u), 3 * v], 1)


@pytest.fixture(scope='module')
def open_body():
    with np.load(OPEN_BODY) as file:
        faces = file['faces'][:int(file['num_skin_faces'])].astype(np.int64)
        return file['vertices'].astype(np.float64), faces


def slow_graph(vertices, faces):
    """edge_graph, one pair of triangles at a time, unfolded by rotating the second one."""
    graph = {}
    for a in range(len(faces)):
        for k in range(3):
            i, j = faces[a][k], faces[a][k - 1]
            graph[min(i, j), max(i, j)] = np.linalg.norm(vertices[i] - vertices[j])
    extra = {}
    for a in range(len(faces)):
        for b in range(a):
            common = sorted(set(faces[a]) & set(faces[b]))
            if len(common) != 2:
                continue
            (p,), (q,) = set(faces[a]) - set(common), set(faces[b]) - set(common)
            start, end = vertices[common]
            axis = (end - start) / np.linalg.norm(end - start)

            x0, x1 = (vertices[[p, q]] - start) @ axis
            y0 = np.linalg.norm(vertices[p] - start - x0 * axis)
            y1 = np.linalg.norm(vertices[q] - start - x1 * axis)
            where = np.interp(0, [-y1, y0], [x1, x0])
            if 0 <= where <= np.linalg.norm(end - start):
                key = min(p, q), max(p, q)
                extra[key] = min(extra.get(key, np.inf), np.hypot(x0 - x1, y0 + y1))
    for key, length in extra.items():
        graph[key] = min(graph.get(key, np.inf), length)
    return graph


def test_graph_equals_the_plain_one():
    vertices, faces = grid(5, plane)
    vertices = vertices + np.random.default_rng(0).normal(0, 0.06, vertices.shape)
    graph = edge_graph(vertices, faces)
    assert abs(graph - graph.T).max() == 0
    expected = slow_graph(vertices, faces)
    assert len(expected) * 2 == graph.nnz
    for (a, b), length in expected.items():
        assert graph[a, b] == pytest.approx(length, abs=1e-12)


def test_plane_is_euclidean(tmp_path):
    vertices, faces = grid(13, plane)
    table = GeodesicTable(vertices, faces, num_sites=60, cache_dir=tmp_path)
    every = np.arange(len(vertices))
    straight = np.linalg.norm(vertices[:, None] - vertices[None], axis=2)
    distance = table(every[:, None], every[None])
    assert (distance >= straight).all()
    assert (distance - straight).max() < 0.08
    assert np.abs(distance - straight).mean() < 0.02


def test_half_pipe_is_unrolled(tmp_path):
    vertices, faces = grid(31, half_pipe)
    table = GeodesicTable(vertices, faces, num_sites=200, cache_dir=tmp_path)
    u, v = (c.ravel() for c in np.meshgrid(*[np.linspace(0, 1, 31)] * 2, indexing='ij'))
    a, b = np.random.default_rng(0).integers(0, len(vertices), (2, 2000))
    exact = np.hypot(np.pi * (u[a] - u[b]), 3 * (v[a] - v[b]))
    far = exact > 0.5
    assert np.median(np.abs(table(a, b)[far] / exact[far] - 1)) < 0.03
    across = table(0, 30 * 31)
    assert across == pytest.approx(np.pi, rel=0.03)
    assert np.linalg.norm(vertices[0] - vertices[30 * 31]) == pytest.approx(2)


def test_broadcasting_and_special_ids(tmp_path):
    vertices, faces = grid(6, plane)
    loose = np.concatenate([vertices, [[9., 9., 9.]]])
    table = GeodesicTable(loose, faces, num_sites=8, cache_dir=tmp_path)
    a, b = np.array([[3], [-1], [36]]), np.array([3, 20, -1, 36])
    distance = table(a, b)
    assert distance.shape == (3, 4) and distance.dtype == np.float64
    assert distance[0, 0] == 0 and distance[2, 3] == 0
    assert np.isinf(distance[1]).all() and np.isinf(distance[:2, 2:]).all()
    assert np.isinf(distance[2, :3]).all()
    np.testing.assert_array_equal(table(b[:2], 7), table(7, b[:2]))
    assert table(np.zeros(0, int), np.zeros(0, int)).shape == (0,)
    with pytest.raises(IndexError, match='-1..36'):
        table(np.array([37]), 0)


def test_separate_pieces_are_infinitely_far(tmp_path):
    vertices, faces = grid(4, plane)
    two = np.concatenate([vertices, vertices + 5])
    table = GeodesicTable(two, np.concatenate([faces, faces + 16]), num_sites=6,
                          cache_dir=tmp_path)
    assert np.isinf(table(0, 20)) and np.isfinite(table(17, 20)) and np.isfinite(table(0, 15))


def test_table_is_kept_and_read_back(tmp_path):
    vertices, faces = grid(6, plane)
    first = GeodesicTable(vertices, faces, num_sites=9, cache_dir=tmp_path).table
    (file,) = tmp_path.iterdir()
    stamp = file.stat().st_mtime_ns
    again = GeodesicTable(vertices, faces, num_sites=9, cache_dir=tmp_path)
    np.testing.assert_array_equal(again.table, first)
    assert file.stat().st_mtime_ns == stamp
    GeodesicTable(vertices * 2, faces, num_sites=9, cache_dir=tmp_path).table.sum()
    assert len(list(tmp_path.iterdir())) == 2


def test_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv('KTN_MM_CACHE')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    vertices, faces = grid(3, plane)
    GeodesicTable(vertices, faces, num_sites=3).table.sum()
    assert [p.suffix for p in (tmp_path / 'ktn_mm').iterdir()] == ['.npy']


def test_folder_that_cannot_be_written(tmp_path, caplog):
    blocked = tmp_path / 'file'
    blocked.write_text('not a folder')
    vertices, faces = grid(4, plane)
    table = GeodesicTable(vertices, faces, num_sites=16, cache_dir=blocked / 'inside')
    assert table(0, 15) == pytest.approx(np.sqrt(2), rel=0.02)
    assert 'cannot keep' in caplog.text


def test_interruption_leaves_no_half_file(tmp_path, monkeypatch):
    vertices, faces = grid(4, plane)
    table = GeodesicTable(vertices, faces, num_sites=4, cache_dir=tmp_path)

    def interrupt(file, array):
        file.write(b'half')
        raise KeyboardInterrupt
    monkeypatch.setattr(np, 'save', interrupt)
    with pytest.raises(KeyboardInterrupt):
        table(0, 1)
    assert os.listdir(tmp_path) == []


def test_open_body_against_exact_geodesics(open_body):
    """The errors that GeodesicTable's docstring states."""
    geodesic = pytest.importorskip('pygeodesic.geodesic')
    vertices, faces = open_body
    used, local = np.unique(faces, return_inverse=True)
    solver = geodesic.PyGeodesicAlgorithmExact(vertices[used], local.reshape(-1, 3))
    sources = np.random.default_rng(1).choice(len(used), 6, replace=False)
    exact = np.stack([solver.geodesicDistances(np.array([s]), None)[0] for s in sources])
    ours = GeodesicTable(vertices, faces)(used[sources][:, None], used[None])
    error = np.abs(ours - exact)
    far = exact > 0.05
    ratio = ours[far] / exact[far]
    print(f'mean {error.mean() * 1e3:.1f} mm, 99 % {np.quantile(error, .99) * 1e3:.1f} mm, '
          f'worst {error.max() * 1e3:.1f} mm, ratio {np.quantile(ratio, [.05, .5, .95])}')
    assert error.mean() < 0.007
    assert np.quantile(error, 0.99) < 0.025
    assert error.max() < 0.05
    assert abs(np.median(ratio) - 1) < 0.01


def test_every_vertex_of_the_open_body_is_near_a_site(open_body):
    vertices, faces = open_body
    table = GeodesicTable(vertices, faces)
    used = np.unique(faces)
    gap = table.table[table.site_of[used], used]
    assert gap.max() < 0.022
    sample = table.sites[::250]
    graph = edge_graph(vertices, faces)
    plain = dijkstra(graph, directed=False, indices=sample)[:, table.sites]
    kept = table.table[::250][:, table.sites].astype(np.float64)
    np.testing.assert_allclose(kept * 1.0133, plain, rtol=2e-3, atol=1e-6)
