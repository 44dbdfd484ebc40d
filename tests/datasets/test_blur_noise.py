"""Blur and noise, against what they do to flat and striped pictures."""
import numpy as np
import pytest

from ktn_mm.datasets import RandomBlurNoise


@pytest.fixture(autouse=True)
def seed():
    np.random.seed(0)


def test_nothing_happens_without_probability():
    image = np.random.randint(0, 256, (40, 30, 3)).astype(np.uint8)
    out = RandomBlurNoise(blur_prob=0, noise_prob=0)(dict(img=image.copy()))
    np.testing.assert_array_equal(out['img'], image)


def test_noise_has_the_strength_that_was_asked_for():
    image = np.full((64, 64, 3), 128, np.uint8)
    step = RandomBlurNoise(blur_prob=0, noise_prob=1, noise_std=10.)
    spread = np.array([step(dict(img=image))['img'].std() for _ in range(200)])
    # A strength drawn evenly from 0 to 10 has a mean of 5; rounding adds a little.
    assert abs(spread.mean() - 5) < .7 and spread.max() < 10.5
    assert abs(float(step(dict(img=image))['img'].mean()) - 128) < 1
    assert image.std() == 0


def test_blur_keeps_flat_pictures_and_levels_stripes():
    step = RandomBlurNoise(blur_prob=1, blur_sigma=1.2, noise_prob=0)
    flat = np.full((32, 32, 3), 77, np.uint8)
    np.testing.assert_array_equal(step(dict(img=flat))['img'], flat)
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 200
    contrast = [np.ptp(step(dict(img=stripes))['img'][:, 8:24].astype(int)) for _ in range(30)]
    assert min(contrast) < 20 and max(contrast) < 200 and len(set(contrast)) > 10


@pytest.mark.parametrize('wrong', [dict(blur_prob=1.5), dict(noise_prob=-.1), dict(blur_sigma=0.),
                                   dict(noise_std=-1.)])
def test_arguments_out_of_range(wrong):
    with pytest.raises(ValueError, match='RandomBlurNoise'):
        RandomBlurNoise(**wrong)
