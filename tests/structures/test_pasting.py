import numpy as np
import pytest

from ktn_mm.structures import CropFrame
from ktn_mm.structures.pasting import enlarge

SIZE = 60, 50


def blobs(rng, size, count=5):
    """Return labels of rectangles on background, and noise for U and V."""
    w, h = size
    labels = np.zeros((h, w), np.uint8)
    for label in rng.choice(np.arange(1, 25), count, replace=False):
        x, y = rng.integers(0, w - 2), rng.integers(0, h - 2)
        labels[y:y + rng.integers(1, h), x:x + rng.integers(1, w)] = label
    return labels, rng.random((2, h, w)).astype(np.float32)


def slowly(frame, labels, uv, x, y):
    """Return label, U, V of one image pixel, and how clear the decision was."""
    w, h = frame.size
    cx, cy = frame.matrix() @ (x, y, 1)
    if not (-.5 <= cx < w - .5 and -.5 <= cy < h - .5):
        return 0, 0., 0., 1.
    votes = np.zeros(25)
    sums = np.zeros((25, 2))
    for i in (int(np.floor(cx)), int(np.floor(cx)) + 1):
        for j in (int(np.floor(cy)), int(np.floor(cy)) + 1):
            weight = (1 - abs(cx - i)) * (1 - abs(cy - j))
            at = np.clip(j, 0, h - 1), np.clip(i, 0, w - 1)
            votes[labels[at]] += weight
            sums[labels[at]] += weight * uv[:, at[0], at[1]]
    ranked = np.sort(votes[1:])
    clear = min(abs(votes[0] - .5), ranked[-1] - ranked[-2])
    if votes[0] > .5:
        return 0, 0., 0., clear
    best = 1 + votes[1:].argmax()
    return best, *(sums[best] / votes[best]), clear


@pytest.mark.parametrize('center, scale', [
    ((30., 25.), (50., 40.)),     # larger than the crop
    ((21.3, 18.7), (9.5, 11.)),   # smaller
    ((2., 48.), (40., 30.)),      # over a corner of the image
    ((30., 25.), (200., 160.)),   # beyond all sides
])
def test_pixels_are_those_of_a_slow_vote(center, scale):
    rng = np.random.default_rng(0)
    crop = (12, 16)
    compared = shown = 0
    for _ in range(4):
        frame = CropFrame(center, scale, crop)
        labels, uv = blobs(rng, crop)
        patch = enlarge(frame, labels, uv, SIZE)
        full = np.zeros((3, SIZE[1], SIZE[0]))
        full[0][patch.window] = patch.labels
        for k in range(2):
            full[k + 1][patch.window] = np.where(patch.labels > 0, patch.uv[k], 0)
        for y in range(SIZE[1]):
            for x in range(SIZE[0]):
                label, u, v, clear = slowly(frame, labels, uv, x, y)
                if clear < .1:  # OpenCV counts positions in 1/32 of a pixel
                    continue
                compared += 1
                shown += label > 0
                assert full[0, y, x] == label, (x, y, clear)
                np.testing.assert_allclose(full[1:, y, x], (u, v), atol=.1)
    assert compared > 6000 and shown > 200


def test_a_crop_that_is_the_image_stays_exactly():
    rng = np.random.default_rng(1)
    labels, uv = rng.integers(0, 25, (50, 60)).astype(np.uint8), rng.random((2, 50, 60))
    labels[:2] = 0
    frame = CropFrame((29.5, 24.5), (59, 49), SIZE)
    patch = enlarge(frame, labels, uv, SIZE)
    back = np.zeros((50, 60), np.uint8)
    back[patch.window] = patch.labels
    np.testing.assert_array_equal(back, labels)
    shown = patch.labels > 0
    for k in range(2):
        np.testing.assert_allclose(patch.uv[k][shown], uv[k][patch.window][shown], rtol=1e-6)


def test_a_ramp_stays_a_ramp_and_surfaces_do_not_mix():
    """Two surfaces side by side, U rising on each from 0 to 1."""
    labels = np.repeat(np.uint8([[3] * 8 + [7] * 8]), 8, 0)
    ramp = np.tile(np.arange(8) / 7., 2)
    uv = np.stack([np.repeat(ramp[None], 8, 0), np.full((8, 16), .5)])
    # ten image pixels for a pixel of the crop
    patch = enlarge(CropFrame((79.5, 39.5), (150., 70.), (16, 8)), labels, uv, (160, 80))
    assert patch.labels.shape == (80, 160)
    assert (patch.labels[:, :79] == 3).all() and (patch.labels[:, 81:] == 7).all()
    row = patch.uv[0, 40]
    expected = np.clip(((np.arange(80) + .5) / 10 - .5) / 7, 0, 1)
    np.testing.assert_allclose(row[:79], expected[:79], atol=.01)
    np.testing.assert_allclose(row[81:], expected[1:], atol=.01)
    np.testing.assert_allclose(patch.uv[1], .5, atol=1e-6)


@pytest.mark.parametrize('center', [(-200., 25.), (30., 400.)])
def test_a_crop_beside_the_image_and_an_empty_one_give_nothing(center):
    labels, uv = blobs(np.random.default_rng(0), (12, 16))
    assert enlarge(CropFrame(center, (20., 30.), (12, 16)), labels, uv, SIZE).labels.size == 0
    nobody = enlarge(CropFrame((30., 25.), (20., 30.), (12, 16)), labels * 0, uv, SIZE)
    assert nobody.labels.size == 0
