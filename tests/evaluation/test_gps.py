import numpy as np
import pytest
from evaluation_cases import FlatBody, TinyBody

from ktn_mm.evaluation.gps import (
    person_gps,
    point_pixels,
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


def test_points_scale_by_255_and_truncate_towards_zero():
    points = np.array([[0, 0], [255, 255], [127.5, 2.55], [256, 100]])
    pixels, inside = point_pixels(points, [10, 20, 100, 50], [10.7, 20.2, 100.9, 50.])
    # x: -0.7, 99.3, 49.3, 99.69;  y: -0.2, 49.8, 0.3, 19.4
    np.testing.assert_array_equal(pixels, [[0, 0], [99, 49], [49, 0], [99, 19]])
    assert inside.all()


def test_points_outside_the_detection():
    points = np.array([[0, 0], [255, 0], [0, 255], [100, 100]])
    _, inside = point_pixels(points, [0, 0, 255, 255], [50.5, 50.5, 100.9, 100.9])
    np.testing.assert_array_equal(inside, [False, False, False, True])
    _, inside = point_pixels(np.array([[10., 10.]]), [0, 0, 255, 255], [10, 10, .9, .9])
    assert not inside[0], 'a box narrower than a pixel holds no point'
    _, inside = point_pixels(np.array([[100., 50], [101, 50], [50, 99.99]]), [0, 0, 255, 255],
                             [0, 0, 101, 99])
    np.testing.assert_array_equal(inside, [True, False, False])


def test_sample_picture_equals_loop():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (3, 40, 30)).astype(np.uint8)
    points = rng.uniform(0, 256, (50, 2))
    box, person_box = [7.3, 8.9, 30.5, 40.2], [2.5, 3.25, 44., 50.]
    samples = sample_picture(picture, box, points, person_box)
    outside = 0
    for (x, y), sample in zip(points, samples, strict=True):
        column = int(x * 44. / 255 + 2.5 - 7.3)
        row = int(y * 50. / 255 + 3.25 - 8.9)
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
