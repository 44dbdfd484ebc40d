import math

import numpy as np
import pytest
from evaluation_cases import random_annotation, rle
from pycocotools import mask as mask_utils

from ktn_mm.evaluation.ground_truth import Image, read_person
from ktn_mm.evaluation.masks import (
    dp_mask_in_box,
    dp_union,
    encode_at,
    lies_outside,
    overlap,
    paste,
    person_mask,
    segmentation_rle,
)


def plain_scale(union, height, width):
    """Linear interpolation between the corners of the frame and of the result, pixel by pixel."""
    scaled = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            y = row * 255 / (height - 1) if height > 1 else 0.
            x = column * 255 / (width - 1) if width > 1 else 0.
            y0, x0 = min(int(y), 254), min(int(x), 254)
            fy, fx = y - y0, x - x0
            scaled[row, column] = (
                union[y0, x0] * (1 - fy) * (1 - fx) + union[y0 + 1, x0] * fy * (1 - fx)
                + union[y0, x0 + 1] * (1 - fy) * fx + union[y0 + 1, x0 + 1] * fy * fx)
    return scaled


@pytest.mark.parametrize('w, h', [(40., 70.), (37.4, 60.6), (.3, 12.), (300.2, 20.), (1., 1.)])
def test_dp_mask_is_scaled_corner_to_corner(w, h):
    rng = np.random.default_rng(3)
    union = np.kron(rng.random((16, 16)) < .5, np.ones((16, 16)))
    mask = dp_mask_in_box([rle(union)], [0, 0, w, h])
    assert mask.shape == (round(max(h, 1)), round(max(w, 1)))
    scaled = plain_scale(union, *mask.shape)
    clear = np.abs(scaled - .5) > 1e-6
    np.testing.assert_array_equal(mask[clear], scaled[clear] > .5)
    assert clear.mean() > .9


def test_dp_union_takes_all_parts_and_a_single_mask():
    a, b = np.zeros((2, 256, 256))
    a[:100], b[50:120, 7:] = 1, 1
    union = dp_union([rle(a), [], rle(b)] + [[]] * 11)
    np.testing.assert_array_equal(union, np.maximum(a, b))
    np.testing.assert_array_equal(dp_union(rle(a)), a)



@pytest.mark.parametrize('x, y', [(3.9, 4.2), (-3.9, -.5), (15.2, 8.), (-30., 0.), (25., 2.),
                                  (3., 40.), (3., -40.)])
def test_paste_puts_the_mask_at_the_truncated_corner(x, y):
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 3, (12, 10)).astype(np.uint8)
    box = [x, y, 10.6, 12.6]
    image = mask_utils.decode(paste(mask, box, 18, 20, truncates=True))
    expected = np.zeros((18, 20), bool)
    for row in range(12):
        for column in range(10):
            to = int(y) + row, int(x) + column
            if 0 <= to[0] < min(18, int(y + 12.6)) and 0 <= to[1] < min(20, int(x + 10.6)):
                expected[to] = mask[row, column] > 0
    np.testing.assert_array_equal(image, expected)
    assert lies_outside(box, 18, 20) == (abs(x) > 20 or abs(y) > 20)
    assert not (lies_outside(box, 18, 20) and expected.any())


@pytest.mark.parametrize('x, y, w, h', [
    (3.9, 4.2, 10.6, 12.6), (-3.9, -.5, 10., 12.), (15.2, 8., 7.7, 30.), (2.5, 2.5, 4., 3.),
    (-30., 0., 10., 10.), (25., 2., 10., 10.), (3., 40., 5., 5.), (4., 4., 0., 9.),
    (7.6, 7.6, .3, .3), (7.4, 7.4, .3, .3)])
def test_clean_paste_looks_up_every_pixel_centre(x, y, w, h):
    mask = np.random.default_rng(0).integers(0, 3, (12, 10)).astype(np.uint8)
    image = mask_utils.decode(paste(mask, [x, y, w, h], 18, 20, truncates=False))
    expected = np.zeros((18, 20), bool)
    for row in range(18):
        for column in range(20):
            if x <= column + .5 < x + w and y <= row + .5 < y + h:
                expected[row, column] = mask[math.floor((row + .5 - y) * 12 / h),
                                             math.floor((column + .5 - x) * 10 / w)] > 0
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize('height, width', [(1, 1), (7, 9), (40, 300), (500, 700)])
def test_encode_at_equals_encoding_the_whole_image(height, width):
    rng = np.random.default_rng(height)
    for _ in range(60):
        h, w = rng.integers(0, height + 1), rng.integers(0, width + 1)
        top, left = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
        mask = rng.random((h, w)) < rng.choice([0, .02, .5, 1])
        image = np.zeros((height, width), np.uint8, order='F')
        image[top:top + h, left:left + w] = mask
        rle = encode_at(mask, top, left, height, width)
        assert rle == mask_utils.encode(image)


def test_paste_stops_at_the_box():
    """A mask wider than its box, as rounding makes it, is cut at the box's truncated edge."""
    image = mask_utils.decode(paste(np.ones((6, 6)), [2.1, 3.1, 5.6, 5.6], 20, 20, truncates=True))
    assert image.sum(0).nonzero()[0].tolist() == [2, 3, 4, 5, 6]


def test_segmentation_of_every_kind_is_the_same_mask():
    mask = np.zeros((20, 30), np.uint8)
    mask[4:10, 5:12] = 1
    polygon = [[5, 4, 12, 4, 12, 10, 5, 10]]
    flat = mask.T.ravel()
    counts = np.diff(np.r_[0, np.flatnonzero(np.diff(flat)) + 1, len(flat)]).tolist()
    for segmentation in (polygon, rle(mask), dict(size=[20, 30], counts=counts)):
        decoded = mask_utils.decode(segmentation_rle(segmentation, 20, 30))
        np.testing.assert_array_equal(decoded, mask)
    assert mask_utils.area(segmentation_rle(None, 20, 30)) == 0
    assert mask_utils.area(segmentation_rle([], 20, 30)) == 0


def test_person_mask_prefers_dp_masks():
    annotation = random_annotation(np.random.default_rng(2), dict(id=1, width=90, height=90), 5)
    annotation |= dict(bbox=[10., 20., 30., 40.], dp_masks=rle(np.ones((256, 256))),
                       segmentation=[[0, 0, 5, 0, 5, 5, 0, 5]])
    image = Image(1, 90, 90)

    def extent():
        mask = person_mask(read_person(annotation), image, truncates=True)
        return mask_utils.toBbox(mask).tolist()

    assert extent() == [10, 20, 30, 40]
    del annotation['dp_masks']
    assert extent() == [0, 0, 5, 5]


def test_overlap_of_masks_and_crowds():
    a, b = np.zeros((2, 10, 10))
    a[:4], b[2:8] = 1, 1
    for crowd, expected in ((False, 20 / 80), (True, 20 / 40)):
        assert overlap([rle(a)], [rle(b)], np.array([crowd])).tolist() == [[expected]]
        boxes = overlap([np.array([0., 0, 10, 4])], [np.array([0., 2, 10, 6])],
                        np.array([crowd]))
        assert boxes.tolist() == [[expected]]
    assert overlap([], [rle(a)], np.array([False])).shape == (0, 1)
    assert overlap([rle(a)], [], np.zeros(0, bool)).shape == (1, 0)
    assert overlap([rle(0 * a)], [rle(0 * b)], np.array([False])).tolist() == [[0.]]


def test_clean_mask_takes_the_pixel_at_the_centre():
    union = np.zeros((256, 256))
    union[:100, 30:] = 1
    annotation = random_annotation(np.random.default_rng(2), dict(id=1, width=90, height=90), 5)
    person = read_person(annotation | dict(bbox=[10.25, 20., 30., 40.], dp_masks=rle(union)))
    image = mask_utils.decode(person_mask(person, Image(1, 90, 90), truncates=False))
    # rows 20 + 40 * 100 / 256 = 35.6, columns 10.25 + 30 * 30 / 256 = 13.77 to 40.25
    rows, columns = image.any(1).nonzero()[0], image.any(0).nonzero()[0]
    assert (rows.min(), rows.max()) == (20, 35) and (columns.min(), columns.max()) == (14, 39)
    assert image.sum() == 16 * 26


def test_half_covered_pixels_are_outside():
    union = np.zeros((256, 256))
    union[:128] = 1
    mask = dp_mask_in_box([rle(union)], [0, 0, 3, 3])
    # the rows lie at 0, 127.5 and 255 of the frame; the middle one is exactly 0.5
    assert mask.tolist() == [[1, 1, 1], [0, 0, 0], [0, 0, 0]]
