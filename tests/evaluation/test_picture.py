import numpy as np
import pytest

from ktn_mm.evaluation.picture import box_picture, picture_size, quantise
from ktn_mm.structures.crop_frame import CropFrame


@pytest.mark.parametrize('box', [
    (10., 20., 60., 90.), (10.4, 20.7, 60.9, 90.2), (-5., 3., 30., 9.), (300., 300., 20., 20.),
    (30.2, 40.1, .7, 3.5)])
def test_equals_plain_reading(box):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 25, (64, 48)).astype(np.uint8)
    uv = rng.random((2, 64, 48)).astype(np.float16)
    frame = CropFrame((40., 65.), (75., 100.), (48, 64))
    picture = box_picture(labels, uv, frame, np.array(box))
    h, w = max(int(box[3]), 1), max(int(box[2]), 1)
    assert picture.shape == (3, h, w) == (3, *picture_size(box)) and picture.dtype == np.uint8
    for row in range(h):
        for column in range(w):
            # centre of the pixel in the image's edges, less 0.5 for pixel indices
            x = box[0] + (column + .5) * box[2] / w - .5
            y = box[1] + (row + .5) * box[3] / h - .5
            cx = int(np.floor((x - 40.) * 47 / 75 + 47 / 2 + .5))
            cy = int(np.floor((y - 65.) * 63 / 100 + 63 / 2 + .5))
            expected = (0, 0, 0)
            if 0 <= cx < 48 and 0 <= cy < 64 and labels[cy, cx]:
                expected = labels[cy, cx], *(int(np.float32(v) * 255) for v in uv[:, cy, cx])
            assert tuple(picture[:, row, column]) == tuple(expected), (row, column)


def test_own_crop_of_a_box_is_read_back_exactly():
    """A crop that covers the box pixel by pixel comes back as it is."""
    rng = np.random.default_rng(1)
    labels = rng.integers(1, 25, (40, 30)).astype(np.uint8)
    uv = rng.random((2, 40, 30))
    box = np.array([7., 9., 30., 40.])
    frame = CropFrame(box[:2] + (box[2:] - 1) / 2, box[2:] - 1, (30, 40))
    picture = box_picture(labels, uv, frame, box)
    np.testing.assert_array_equal(picture[0], labels)
    np.testing.assert_array_equal(picture[1:], (uv.astype(np.float32) * 255).astype(np.uint8))


def test_quantise_truncates_and_clamps():
    assert quantise(np.array([0, .0039, .004, .999, 1., 1.2, -.1])).tolist() == [
        0, 0, 1, 254, 255, 255, 0]


def test_wrong_maps_are_named():
    frame = CropFrame((5, 5), (10, 10), (4, 4))
    with pytest.raises(ValueError, match='belong together'):
        box_picture(np.zeros((4, 4), np.uint8), np.zeros((2, 4, 5)), frame, np.ones(4))
    turned = CropFrame((5, 5), (10, 10), (4, 4), rotation=10)
    with pytest.raises(ValueError, match='upright'):
        box_picture(np.zeros((4, 4), np.uint8), np.zeros((2, 4, 4)), turned, np.ones(4))
