"""Run lengths against counting pixels, and what no RLE may be."""
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from ktn_mm.structures.rle import compress, read_runs


def encode(mask):
    return mask_utils.encode(np.asfortranarray(mask, np.uint8))


def runs_of(mask):
    """Count pixels column by column, background first."""
    flat = np.concatenate([[False], mask.T.ravel()])
    return np.diff(np.append(np.flatnonzero(np.diff(flat)), mask.size), prepend=0)


@pytest.mark.parametrize('shape, density', [
    ((256, 256), .5), ((256, 256), 1e-4), ((480, 640), 1e-5), ((7, 5), 0.), ((7, 5), 1.)])
def test_runs_of_an_rle(shape, density):
    mask = np.random.default_rng(2).random(shape) < density
    expected = runs_of(mask)
    text = encode(mask)['counts']
    np.testing.assert_array_equal(read_runs(text), expected)
    np.testing.assert_array_equal(read_runs(text.decode()), expected)


@pytest.mark.parametrize('density', [.3, 1e-3, 1.])
def test_compress_takes_either_kind(density):
    mask = np.random.default_rng(3).random((40, 30)) < density
    listed = dict(size=[40, 30], counts=runs_of(mask).tolist())
    assert compress(listed)['counts'] == encode(mask)['counts']
    text = encode(mask)
    assert compress(text) is text


@pytest.mark.parametrize('cut', [1, 2, 3, 7])
def test_whatever_is_cut_off_or_added_is_refused(cut):
    """pycocotools decodes what was cut off without a word."""
    rle = encode(np.random.default_rng(4).random((40, 30)) < .3)
    for counts in (rle['counts'][:-cut], rle['counts'] + b'1' * cut, rle['counts'][cut:]):
        with pytest.raises(ValueError, match='counts'):
            compress(dict(rle, counts=counts))


@pytest.mark.parametrize('counts', ['', 'zz', 'a b', '\u20ac', b'\xff', [], [1, 2], [1.5], ['a'],
                                    [[1], [2, 3]], [-1, 1201], 'oooooooo0'])
def test_no_run_lengths(counts):
    with pytest.raises(ValueError, match='counts'):
        compress(dict(size=[40, 30], counts=counts))
