"""Nearest-neighbour reading of maps, against plain loops."""
import math

import numpy as np

from ktn_mm.codecs.sampling import sample_box_map, sample_image_map


def test_box_map_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    values = rng.integers(1, 15, (256, 256)).astype(np.uint8)
    box = np.array([12.3, -4.6, 101.7, 77.2])
    points = rng.uniform(-20, 140, (500, 2))
    expected = []
    for x, y in points:
        col = math.floor((x + 0.5 - box[0]) * 256 / box[2])
        row = math.floor((y + 0.5 - box[1]) * 256 / box[3])
        inside = 0 <= col < 256 and 0 <= row < 256
        expected.append(values[row, col] if inside else 7)
    found = sample_box_map(values, box, points, outside=7)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint8 and 0 < (np.array(expected) == 7).sum() < 500


def test_box_map_of_another_size_than_square():
    values = np.arange(6).reshape(2, 3)
    box = np.array([0., 0., 30., 20.])
    # Pixel 9 covers [9, 10], the last one of the first third.
    points = np.array([[9., 0.], [10., 0.], [29., 19.], [30., 0.]])
    np.testing.assert_array_equal(sample_box_map(values, box, points, outside=-1), [0, 1, 5, -1])


def test_image_map_reads_the_pixel_whose_square_holds_the_point():
    values = np.arange(12).reshape(3, 4)
    points = np.array([[0., 0.], [0.49, 0.], [0.51, 0.], [3.4, 2.4], [3.6, 0.], [-0.6, 0.]])
    np.testing.assert_array_equal(sample_image_map(values, points, outside=99),
                                  [0, 0, 1, 11, 99, 99])
