"""From maps to labels and coordinates, against enlarging everything; and the flip test."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ktn_mm.models.heads.decoding import (
    DenseMaps,
    decode_dense,
    mirror_table,
    mirror_uv,
    read_channel,
)
from ktn_mm.surface.charts import SURFACE_TWIN

SIZE = (12, 20)  # (w, h) of the crop, grid 6 x 10


def random_maps(batch=2):
    return DenseMaps(torch.randn(batch, 2, 10, 6), torch.randn(batch, 25, 10, 6) * 3,
                     torch.rand(batch, 25, 10, 6) * 1.4 - 0.2, torch.rand(batch, 25, 10, 6))


def enlarge(x):
    return F.interpolate(x, size=SIZE[::-1], mode='bilinear', align_corners=False)


def test_decoding_by_enlarging_everything():
    maps = random_maps()
    result = decode_dense(maps, SIZE, threshold=0.4)
    person = enlarge(maps.mask).softmax(1)[:, 1]
    labels = enlarge(maps.surfaces)[:, 1:].argmax(1) + 1
    labels[person <= 0.4] = 0
    assert torch.equal(result.labels, labels)
    assert 0 < (labels == 0).float().mean() < 1
    uv = torch.stack([enlarge(m).gather(1, labels[:, None])[:, 0] for m in (maps.u, maps.v)], 1)
    uv = uv.clamp(0, 1) * (labels > 0)[:, None]
    torch.testing.assert_close(result.uv, uv)
    for b in range(2):
        assert result.confidence[b].item() == pytest.approx(
            person[b][labels[b] > 0].mean().item(), rel=1e-5)


def test_background_channel_tears_no_holes():
    maps = random_maps()
    maps.surfaces[:, 0] = 100
    maps.mask[:, 1] = 100
    assert (decode_dense(maps, SIZE).labels > 0).all()


def test_nobody_there():
    maps = random_maps()
    maps.mask[:, 0] = 100
    result = decode_dense(maps, SIZE)
    assert not result.labels.any() and not result.uv.any() and not result.confidence.any()


@pytest.mark.parametrize('threshold', [0., 0.3, 0.9])
def test_higher_threshold_takes_pixels_away_only(threshold):
    maps = random_maps()
    low, high = (decode_dense(maps, SIZE, threshold=t).labels for t in (threshold, 0.95))
    assert torch.equal(high, torch.where(high > 0, low, 0))
    assert (low > 0).sum() > (high > 0).sum()


def test_read_channel_at_cells_and_beyond():
    maps = torch.randn(2, 3, 4, 5)
    y, x = torch.meshgrid(torch.arange(4.), torch.arange(5.), indexing='ij')
    labels = torch.randint(0, 3, (2, 4, 5))
    torch.testing.assert_close(read_channel(maps, labels, x, y),
                               maps.gather(1, labels[:, None])[:, 0])
    beyond = read_channel(maps, labels[:, :1, :1], x[:1, :1] - 9, y[-1:, :1] + 9)
    for b in range(2):
        assert beyond[b, 0, 0] == maps[b, labels[b, 0, 0], -1, 0]


def test_mirror_uv_is_the_templates_mirror(bent_template):
    table = mirror_table(bent_template)
    labels = torch.randint(1, 25, (2, 7, 5))
    uv = torch.rand(2, 2, 7, 5)
    _, expected = bent_template.mirror(labels.numpy(), uv.permute(0, 2, 3, 1).numpy())
    torch.testing.assert_close(mirror_uv(labels, uv, table).permute(0, 2, 3, 1),
                               torch.from_numpy(expected.astype(np.float32)),
                               rtol=0, atol=1e-5)


def test_mirror_of_wrong_twins_is_refused():
    class Wrong:
        def mirror(self, surface, uv):
            return np.asarray(surface), uv

    with pytest.raises(ValueError, match='mirrors surface 3 to'):
        mirror_table(Wrong())


def test_flip_test_of_a_mirrored_crop_is_the_mirrored_result(bent_template):
    table = mirror_table(bent_template)
    there, back = random_maps(), random_maps()
    one = decode_dense(there, SIZE, flipped=back, mirror_table=table)
    two = decode_dense(back, SIZE, flipped=there, mirror_table=table)
    mirrored = two.labels.flip(-1)
    twins = torch.tensor(SURFACE_TWIN)
    assert torch.equal(one.labels, twins[mirrored])
    assert not torch.equal(one.labels, mirrored)
    uv = mirror_uv(mirrored, two.uv.flip(-1), table) * (mirrored > 0)[:, None]
    torch.testing.assert_close(one.uv, uv, rtol=0, atol=1e-5)
    torch.testing.assert_close(one.confidence, two.confidence)


def test_flip_test_of_a_consistent_network_changes_nothing(bent_template):
    table, maps = mirror_table(bent_template), random_maps()
    twins = torch.tensor(SURFACE_TWIN)
    # what a perfectly equivariant network says of the mirrored crop, channel by channel
    uv = torch.stack([maps.u, maps.v], 2).clamp(0, 1)
    labels = torch.arange(25)[None, :, None, None].expand(2, -1, 10, 6)
    flat = mirror_uv(labels.flatten(0, 1), uv.flatten(0, 1), table).unflatten(0, (2, 25))
    u, v = flat.flip(-1)[:, twins].unbind(2)
    maps = maps._replace(u=uv[:, :, 0], v=uv[:, :, 1])
    flipped = DenseMaps(maps.mask.flip(-1), maps.surfaces.flip(-1)[:, twins], u, v)
    alone = decode_dense(maps, SIZE)
    both = decode_dense(maps, SIZE, flipped=flipped, mirror_table=table)
    assert torch.equal(alone.labels, both.labels)
    torch.testing.assert_close(alone.uv, both.uv, rtol=0, atol=1e-5)
