"""The decoding without torch against the one with it, in float32."""
import numpy as np
import pytest
import torch

from ktn_mm.deployment import DenseArrays, decode_dense
from ktn_mm.models.heads import decoding

GRID, SIZE = (12, 16), (24, 32)


def random_maps(seed, grid=GRID):
    """Return maps with clear edges: coarse noise, made smooth."""
    generator = torch.Generator().manual_seed(seed)

    def noise(channels, low, high):
        coarse = torch.rand(1, channels, 4, 3, generator=generator) * (high - low) + low
        return torch.nn.functional.interpolate(coarse, grid[::-1], mode='bicubic')
    return decoding.DenseMaps(noise(2, -3, 3), noise(25, -4, 4), noise(25, -.2, 1.2),
                              noise(25, -.2, 1.2))


def as_arrays(maps):
    return DenseArrays(*(m[0].numpy() for m in maps))


@pytest.fixture(scope='module')
def table(bent_template):
    return decoding.mirror_table(bent_template)


@pytest.mark.parametrize('size', [SIZE, (48, 64), (21, 30)])
@pytest.mark.parametrize('flip', [False, True])
def test_the_same_as_with_torch(flip, size, table):
    shown = 0
    for seed in range(4):
        maps, flipped = random_maps(seed), random_maps(seed + 50) if flip else None
        expected = decoding.decode_dense(maps, size, threshold=.3, flipped=flipped,
                                         mirror_table=table if flip else None)
        labels, uv, confidence = decode_dense(
            as_arrays(maps), size, threshold=.3, flipped=flipped and as_arrays(flipped),
            mirror_table=table.numpy() if flip else None)
        assert labels.dtype == np.uint8 and uv.dtype == np.float32
        # rounding decides only where two logits are equal in float32
        same = labels == expected.labels[0].numpy()
        assert same.mean() > .999
        np.testing.assert_allclose(uv[:, same], expected.uv[0].numpy()[:, same], atol=1e-5)
        assert abs(confidence - float(expected.confidence[0])) < 1e-5
        shown += (labels > 0).sum()
        assert 0 < (labels > 0).mean() < 1
    assert shown > 1000


def test_nobody_there():
    maps = as_arrays(random_maps(0))
    maps.mask[0], maps.mask[1] = 9, -9
    labels, uv, confidence = decode_dense(maps, SIZE, threshold=.3)
    assert not labels.any() and not uv.any() and confidence == 0


def test_logits_beyond_the_range_of_exp():
    maps = as_arrays(random_maps(1))
    maps.mask[1] = 1e4
    with np.errstate(all='raise'):
        labels, _, confidence = decode_dense(maps, SIZE, threshold=.3)
    assert labels.all() and confidence == 1
