import math

import numpy as np
import pytest
from evaluation_cases import FlatBody, TinyBody

from ktn_mm.evaluation.gps import (
    person_gps,
    point_pixels,
    point_positions,
    point_scores,
    sample_picture,
    sample_vertices,
)
from ktn_mm.surface.charts import SURFACE_KAPPA


def test_kappa_of_every_surface():
    """As the evaluation writes it: a coarse group for each surface, a kappa for each group."""
    group = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8]
    kappa = [0, .351, .107, .126, .237, .173, .142, .128, .150]
    np.testing.assert_array_equal(SURFACE_KAPPA, [kappa[g] for g in group])


def test_positions_scale_by_the_frame():
    points = np.array([[0, 0], [255, 255], [127.5, 2.55], [256, 128]])
    np.testing.assert_allclose(point_positions(points, [10, 20, 100, 50], 255.),
                               [[10, 20], [110, 70], [60, 20.5], [110.392157, 45.098039]])
    np.testing.assert_allclose(point_positions(points, [10, 20, 100, 50], 256.)[3], [110, 45])


def test_reference_truncates_towards_zero():
    positions = np.array([[10, 20], [110, 70], [60, 20.5], [110.39, 39.6], [9.6, 19.1]])
    pixels, inside = point_pixels(positions, [10.7, 20.2, 100.9, 50.], (50, 100), truncates=True)
    # x: -0.7, 99.3, 49.3, 99.69, -1.1;  y: -0.2, 49.8, 0.3, 19.4, -1.1
    np.testing.assert_array_equal(pixels, [[0, 0], [99, 49], [49, 0], [99, 19], [-1, -1]])
    assert inside.tolist() == [True, True, True, True, False]


def test_clean_pixels_span_the_box():
    """100.9 pixels of the image are 100 of the picture; nothing before the corner is inside."""
    positions = np.array([[10, 20], [111.59, 70.1], [61.2, 20.2], [110.59, 70.2], [10.7, 69.]])
    pixels, inside = point_pixels(positions, [10.7, 20.2, 100.9, 50.], (50, 100), truncates=False)
    # x: -0.7, 100.89, 50.5, 99.89, 0 times .991;  y: -0.2, 49.9, 0, 50, 48.8
    np.testing.assert_array_equal(pixels, [[-1, -1], [99, 49], [50, 0], [98, 50], [0, 48]])
    assert inside.tolist() == [False, True, True, False, True]
    assert point_pixels(np.array([[.5, .5]]), [0, 0, .9, .9], (1, 1), truncates=False)[1].all()
    assert not point_pixels(np.zeros((1, 2)), [0, 0, 0, 5], (5, 1), truncates=False)[1].any()


def test_points_outside_the_detection():
    positions = np.array([[0, 0], [255, 0], [0, 255], [100, 100.]])
    for truncates in (True, False):
        inside = point_pixels(positions, [50.5, 50.5, 100.9, 100.9], (100, 100),
                              truncates=truncates)[1]
        np.testing.assert_array_equal(inside, [False, False, False, True])
    _, inside = point_pixels(np.array([[10.5, 10.5]]), [10, 10, .9, .9], (1, 1), truncates=True)
    assert not inside[0], 'a box narrower than a pixel holds no point'
    _, inside = point_pixels(np.array([[100., 50], [101, 50], [50, 99.99]]), [0, 0, 101, 99],
                             (99, 101), truncates=True)
    np.testing.assert_array_equal(inside, [True, False, False])


@pytest.mark.parametrize('truncates', [True, False])
def test_sample_picture_equals_loop(truncates):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (3, 40, 30)).astype(np.uint8)
    positions = rng.uniform(0, 60, (50, 2))
    box = [7.3, 8.9, 30.5, 40.2]
    samples = sample_picture(picture, box, positions, truncates=truncates)
    outside = 0
    for (x, y), sample in zip(positions, samples, strict=True):
        column, row = x - 7.3, y - 8.9
        if truncates:
            column, row = int(column), int(row)
        else:
            column, row = math.floor(column * 30 / 30.5), math.floor(row * 40 / 40.2)
        inside = 0 <= column < 30 and 0 <= row < 40
        expected = picture[:, row, column] if inside else (0, 0, 0)
        np.testing.assert_array_equal(sample, expected)
        outside += not inside
    assert 5 < outside < 45


def test_sample_vertices_looks_up_every_sample():
    body = TinyBody()
    rng = np.random.default_rng(0)
    samples = rng.integers(0, [25, 4, 4], (300, 3)).astype(np.uint8) * np.uint8([1, 80, 80])
    found = sample_vertices(body, samples)
    np.testing.assert_array_equal(
        found, body.nearest_vertex(samples[:, 0].astype(int), samples[:, 1:] / 255.))
    assert (found == -1).any() and (found[samples[:, 0] == 0] == -1).all()
    assert sample_vertices(body, np.zeros((0, 3), np.uint8)).shape == (0,)


def test_point_scores_at_known_distances():
    surfaces = np.array([1, 3, 24, 5])
    distance = np.array([[0, .107, .150 * 2, np.inf]])
    np.testing.assert_allclose(point_scores(distance, surfaces),
                               [[1, np.exp(-.5), np.exp(-2), 0]], rtol=1e-12)


def test_person_gps_is_the_mean_of_each_person():
    rng = np.random.default_rng(0)
    scores = rng.random((5, 106 + 1 + 0 + 33))
    gps = person_gps(scores, [106, 1, 0, 33])
    for d in range(5):
        assert gps[d].tolist() == [np.mean(scores[d, :106]), scores[d, 106], 0.,
                                   np.mean(scores[d, 107:])]
    assert person_gps(np.zeros((0, 4)), [4]).shape == (0, 1)
    assert person_gps(np.zeros((3, 0)), []).shape == (3, 0)


@pytest.mark.parametrize('sigma, low, high', [(0, .999, 1), (.05, .9, .999), (.3, .3, .9)])
def test_noise_in_uv_lowers_gps_gently(sigma, low, high):
    rng = np.random.default_rng(0)
    body, surfaces, uv = FlatBody(), rng.integers(1, 25, 500), rng.random((500, 2))
    noisy = np.clip(uv + sigma * rng.normal(size=uv.shape), 0, 1)
    samples = np.column_stack([surfaces, noisy * 255]).astype(np.uint8)
    distance = body.distance(body.nearest_vertex(surfaces, uv), sample_vertices(body, samples))
    assert low <= point_scores(distance, surfaces).mean() <= high
