"""The z-buffer against one ray at a time."""
import numpy as np
import pytest

from ktn_mm.synth.rasterizer import interpolate, rasterize

SIZE = (23, 17)


def ray_through_triangles(points, faces, x, y, cull):
    """Intersect the ray through sample (x, y) with every triangle in camera space."""
    ray = np.array([x, y, 1.])
    best = (np.inf, -1, None)
    for index, (a, b, c) in enumerate(points[faces]):
        normal = np.cross(b - a, c - a)
        if cull and normal @ a >= 0:
            continue
        system = np.stack([b - a, c - a, -ray], 1)
        if abs(np.linalg.det(system)) < 1e-12:
            continue
        u, v, depth = np.linalg.solve(system, -a)
        if u >= 0 and v >= 0 and u + v <= 1 and 0 < depth < best[0]:
            best = (depth, index, np.array([1 - u - v, u, v]))
    return best


@pytest.mark.parametrize('cull', [False, True])
@pytest.mark.parametrize('seed', [0, 1])
def test_agrees_with_rays(seed, cull):
    rng = np.random.default_rng(seed)
    # Camera space in which a sample's coordinates are its slopes: x / depth, y / depth.
    depth = rng.uniform(1, 4, 90)
    slopes = rng.uniform((-4, -4), (SIZE[0] + 4, SIZE[1] + 4), (90, 2))
    space = np.column_stack([slopes * depth[:, None], depth])
    faces = rng.permutation(90).reshape(30, 3)
    hits = rasterize(np.column_stack([slopes, depth]), faces, SIZE, cull=cull)
    found = {sample: number for number, sample in enumerate(hits.sample)}
    assert 50 < len(found) < SIZE[0] * SIZE[1] + 1
    for y in range(SIZE[1]):
        for x in range(SIZE[0]):
            depth, face, weights = ray_through_triangles(space, faces, x, y, cull)
            number = found.get(y * SIZE[0] + x)
            assert (number is None) == (face < 0), (x, y)
            if number is not None:
                assert hits.face[number] == face
                np.testing.assert_allclose(hits.depth[number], depth, rtol=1e-9)
                np.testing.assert_allclose(hits.weights[number], weights, atol=1e-8)


def test_ties_go_to_the_lower_triangle():
    points = np.array([[0., 0, 1], [0, 4, 1], [4, 0, 1]])
    hits = rasterize(points, np.array([[0, 1, 2], [0, 1, 2]]), (5, 5))
    assert len(hits.face) and (hits.face == 0).all()


def test_neighbours_leave_no_gap():
    points = np.array([[0., 0, 1], [0, 9, 1], [9, 9, 1], [9, 0, 1]])
    hits = rasterize(points, np.array([[0, 1, 2], [0, 2, 3]]), (10, 10))
    assert len(hits.sample) == 100


def test_parallel_rays_weigh_depth_linearly():
    points = np.array([[0., 0, 1], [0, 8, 1], [8, 0, 9]])
    faces = np.array([[0, 1, 2]])
    hits = rasterize(points, faces, (9, 9), perspective=False)
    np.testing.assert_allclose(hits.depth, hits.sample % 9 + 1)
    np.testing.assert_allclose(interpolate(points, faces, hits)[:, 0], hits.sample % 9,
                               atol=1e-12)
