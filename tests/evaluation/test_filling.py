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


@pytest.mark.parametrize('rows, columns', [
    (slice(0, 5), slice(None)), (slice(5, None), slice(None)),
    (slice(None), slice(0, 4)), (slice(None), slice(4, None)), (slice(3, 8), slice(2, 6))])
def test_half_a_picture_is_filled_from_its_edge(rows, columns):
    """Solid shapes have a rim on one side only, and speckle has it on all."""
    picture = np.zeros((3, 10, 8), np.uint8)
    picture[0, rows, columns] = 2
    picture[1], picture[2] = np.arange(10)[:, None], np.arange(8)
    box = np.array([0., 0., 8., 10.])
    y, x = np.indices((10, 8)).reshape(2, -1)
    points = np.stack([x, y], -1) + .5
    filled = sample_filled(picture, box, points, truncates=False)
    solid = np.argwhere(picture[0] > 0)
    for row, column, (surface, source_row, source_column) in zip(y, x, filled.tolist()):
        gaps = ((solid - (row, column)) ** 2).sum(1)
        assert surface == 2
        assert (source_row - row) ** 2 + (source_column - column) ** 2 == gaps.min()


def test_empty_picture_stays_empty():
    points = np.array([[10., 10.], [200., 100.]])
    picture = np.zeros((3, 30, 20), np.uint8)
    assert not sample_filled(picture, np.array([0., 0., 20., 30.]), points, truncates=True).any()
