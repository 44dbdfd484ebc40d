import numpy as np
import pytest
from mmpose.codecs import UDPHeatmap

from ktn_mm.deployment import decode_keypoints

GRID, CROP = (24, 32), (48, 64)


def theirs(heatmaps, sigma):
    """Return cells and scores as mmpose decodes them."""
    codec = UDPHeatmap(CROP, GRID, sigma=sigma)
    keypoints, scores = codec.decode(heatmaps)
    return keypoints[0] / CROP * np.subtract(GRID, 1), scores[0]


@pytest.mark.parametrize('sigma', [2., 3.])
def test_the_same_cells_as_mmpose(sigma):
    """Smooth maps, noisy ones, heat at edges and corners, none at all."""
    rng = np.random.default_rng(0)
    codec = UDPHeatmap(CROP, GRID, sigma=sigma)
    points = rng.uniform(0, CROP, (1, 12, 2))
    points[0, :3] = (0, 0), (47, 63), (0, 40)
    maps = codec.encode(points, np.ones((1, 12)))['heatmaps']
    maps[4:8] += rng.normal(0, .05, maps[4:8].shape)
    maps[8:10] = rng.random(maps[8:10].shape)
    maps[10] = -rng.random(maps[10].shape)
    maps[11] *= 1e-3
    expected, scores = theirs(maps.copy(), sigma)
    before = maps.copy()
    found, found_scores = decode_keypoints(maps, codec.blur_kernel_size)
    np.testing.assert_array_equal(maps, before)
    there = scores > 0
    np.testing.assert_allclose(found[there], expected[there], atol=2e-4)
    np.testing.assert_allclose(found_scores, scores)
    assert there.sum() == 11 and (found[10] == -1).all() and found_scores[10] < 0
    # the step changes something, and leads to the point that was encoded
    assert np.abs(found[3] - found[3].round()).max() > .2
    cell = points[0, 3] / np.subtract(CROP, 1) * np.subtract(GRID, 1)
    np.testing.assert_allclose(found[3], cell, atol=.01)


def test_maps_of_zeros_have_no_keypoint():
    cells, scores = decode_keypoints(np.zeros((2, 8, 6), np.float32), 11)
    assert (cells == -1).all() and (scores == 0).all()
