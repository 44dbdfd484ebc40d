import numpy as np
import pytest

from ktn_mm.evaluation.filling import sample_filled
from ktn_mm.evaluation.gps import point_pixels, point_positions, sample_picture


@pytest.mark.parametrize('truncates', [True, False])
@pytest.mark.parametrize('seed', range(10))
def test_background_takes_the_nearest_foreground(seed, truncates):
    rng = np.random.default_rng(seed)
    h, w = rng.integers(3, 40, 2)
    picture = rng.integers(1, 256, (3, h, w)).astype(np.uint8)
    picture[0] = rng.integers(1, 25, (h, w)) * (rng.random((h, w)) < rng.choice([.02, .2, .9]))
    picture[0, rng.integers(h), rng.integers(w)] = 7
    # U and V name the pixel, so that what was read says from where
    picture[1], picture[2] = np.arange(h)[:, None], np.arange(w)
    box, person = np.array([3., 4., w, h]), np.array([1., 5., 1.1 * w, h])
    points = point_positions(rng.uniform(0, 255, (60, 2)), person, 255.)
    pixels, inside = point_pixels(points, box, (h, w), truncates=truncates)
    filled = sample_filled(picture, box, points, truncates=truncates)
    plain = sample_picture(picture, box, points, truncates=truncates)
    foreground = np.argwhere(picture[0] > 0)
    assert not filled[~inside].any() and filled[inside].any()
    for n in np.flatnonzero(inside):
        column, row = pixels[n]
        if plain[n, 0]:
            assert filled[n].tolist() == plain[n].tolist()
        gaps = ((foreground - (row, column)) ** 2).sum(1)
        source = filled[n, 1:].astype(int)
        assert ((source - (row, column)) ** 2).sum() == gaps.min()
        assert filled[n, 0] == picture[0, source[0], source[1]] > 0


def test_empty_picture_stays_empty():
    points = np.array([[10., 10.], [200., 100.]])
    picture = np.zeros((3, 30, 20), np.uint8)
    assert not sample_filled(picture, np.array([0., 0., 20., 30.]), points, truncates=True).any()
