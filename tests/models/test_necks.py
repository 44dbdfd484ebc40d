"""MID: the rearrangement index by index, every switch, and what crops it refuses."""
import pytest
import torch
import torch.nn.functional as F
from mmpose.registry import MODELS

from ktn_mm.models.necks import (
    FeatureAdjustment,
    InvertedFeatureAdjustment,
    group_norm,
    space_to_depth,
)

CHANNELS = (4, 6, 8, 10)


def decoder(**options):
    neck = MODELS.build(dict(type='MultiInstanceDecoder', in_channels=CHANNELS, channels=8,
                             **options))
    neck.init_weights()
    return neck


def test_space_to_depth_index_by_index():
    x = torch.randn(2, 3, 4, 6)
    y = space_to_depth(x)
    assert y.shape == (2, 12, 2, 3)
    for block, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        for c in range(3):
            for i in range(2):
                for j in range(3):
                    assert torch.equal(y[:, 3 * block + c, i, j],
                                       x[:, c, 2 * i + row, 2 * j + column])


def test_rearrangement_loses_nothing():
    x = torch.randn(2, 3, 4, 6)
    interleaved = space_to_depth(x).unflatten(1, (4, 3)).transpose(1, 2).flatten(1, 2)
    assert torch.equal(F.pixel_shuffle(interleaved, 2), x)


def test_feature_adjustment_can_be_undone():
    # with mixing weights that pass the blocks through, FA then IFA's shuffle is the identity
    adjust, lift = FeatureAdjustment(2), InvertedFeatureAdjustment(2)
    x = torch.rand(1, 2, 4, 4)
    kept = []
    for block in range(4):
        torch.nn.init.zeros_(adjust.mix.conv.weight)
        torch.nn.init.zeros_(adjust.mix.conv.bias)
        for c in range(2):
            adjust.mix.conv.weight.data[c, 2 * block + c, 1, 1] = 1
        kept.append(adjust(x))
    stacked = torch.stack(kept, 2).flatten(1, 2)
    assert torch.equal(F.pixel_shuffle(stacked, 2), x)
    assert lift(kept[0]).shape == x.shape


def test_inverted_adjustment_index_by_index():
    lift = InvertedFeatureAdjustment(2)
    x = torch.randn(1, 2, 3, 2)
    stacked, y = lift.expand(lift.refine(x)), lift(x)
    for c in range(2):
        for i in range(6):
            for j in range(4):
                assert y[0, c, i, j] == stacked[0, 4 * c + 2 * (i % 2) + j % 2, i // 2, j // 2]


@pytest.mark.parametrize('channels', [1, 6, 18, 48, 64, 256])
def test_groups_divide_channels(channels):
    groups = group_norm(channels)['num_groups']
    assert channels % groups == 0 and groups <= 32
    assert groups == 32 or channels % 32


@pytest.mark.parametrize('options', [
    dict(), dict(version=1), dict(fusion='hierarchical'), dict(version=1, fusion='hierarchical'),
    dict(rearrange=False), dict(rearrange=False, fusion='hierarchical'), dict(top_down=True),
    dict(dilations=(2, )), dict(instance_strengthening=False), dict(gate=True)], ids=str)
def test_every_switch_trains_every_weight(options, pyramid):
    neck = decoder(**options)
    feats = pyramid(CHANNELS)
    for x in feats:
        x.requires_grad_()
    outputs = neck(feats)
    assert outputs[0].shape == (2, 8, 16, 8)
    assert len(outputs) == 1 + options.get('instance_strengthening', True)
    if len(outputs) == 2:
        assert outputs[1].shape == (2, 2, 16, 8)
    sum(x.square().sum() for x in outputs).backward()
    for name, parameter in neck.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    for x in feats:  # every level has its say
        assert x.grad.abs().sum() > 0


def test_ablations_remove_what_they_name():
    names = {k.split('.')[0] for k in decoder().state_dict()}
    assert names == {'laterals', 'adjust', 'climb', 'trident', 'instance'}
    assert {k.split('.')[0] for k in decoder(version=1).state_dict()} == {
        'laterals', 'climb', 'join', 'instance'}
    plain = decoder(rearrange=False, instance_strengthening=False).state_dict()
    assert {k.split('.')[0] for k in plain} == {'laterals', 'climb', 'trident'}
    assert not any('expand' in k for k in plain)
    assert len(decoder(dilations=(1, 2, 3)).trident.branches) == 4
    assert [b.conv.dilation[0] for b in decoder(dilations=(3, 3)).trident.branches] == [1, 3, 3]


def test_gate_multiplies_by_the_person(pyramid):
    feats = pyramid(CHANNELS)
    open_neck, gated = decoder().eval(), decoder(gate=True).eval()
    gated.load_state_dict(open_neck.state_dict())
    features, logits = open_neck(feats)
    torch.testing.assert_close(gated(feats)[0], features * logits.softmax(1)[:, 1:])


def test_top_down_path_carries_context_to_fine_levels(pyramid):
    # without fusion the finest lateral must see the coarsest level
    neck = decoder(top_down=True, fusion='hierarchical')
    feats = pyramid(CHANNELS)
    with torch.no_grad():
        for conv in neck.climb:
            for p in conv.parameters():
                p.zero_()
    neck.eval()
    before = neck(feats)[0]
    after = neck((*feats[:3], feats[3] + 1))[0]
    assert not torch.equal(before, after)


def test_crops_that_are_no_multiples_of_32_are_refused(pyramid):
    neck = decoder()
    feats = list(pyramid(CHANNELS, height=20, width=12))
    feats[3] = torch.randn(2, 10, 3, 2)  # as a backbone rounds 80 x 48
    with pytest.raises(ValueError, match='multiples of 32.*80 high and 48 wide'):
        neck(tuple(feats))
    with pytest.raises(ValueError, match='out_indices'):
        neck(pyramid((4, 6, 8, 12)))
    with pytest.raises(ValueError, match='even height'):
        FeatureAdjustment(2)(torch.zeros(1, 2, 3, 4))


@pytest.mark.parametrize('options, message', [
    (dict(version=3), 'version'), (dict(fusion='concat'), 'fusion'),
    (dict(gate=True, instance_strengthening=False), 'gate'), (dict(dilations=()), 'dilations'),
    (dict(dilations=(0, 1)), 'dilations')])
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        decoder(**options)


def test_deconv_decoder_is_simple_baselines():
    from mmpose.models.heads import HeatmapHead
    head = HeatmapHead(10, 17, deconv_out_channels=(8, 8, 8), deconv_kernel_sizes=(4, 4, 4),
                       loss=dict(type='KeypointMSELoss'))
    neck = MODELS.build(dict(type='DeconvDecoder', in_channels=10, channels=8))
    theirs = {k: v for k, v in head.state_dict().items() if k.startswith('deconv_layers')}
    neck.load_state_dict(theirs, strict=True)
    x = torch.randn(2, 10, 4, 2)
    neck.eval(), head.eval()
    assert torch.equal(neck((None, x))[0], head.deconv_layers(x))
    assert neck((x, ))[0].shape == (2, 8, 32, 16)
    with pytest.raises(ValueError, match='num_layers'):
        MODELS.build(dict(type='DeconvDecoder', num_layers=0))
