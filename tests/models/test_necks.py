"""MID: the rearrangement index by index, every switch, and what levels it refuses."""
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
    neck = MODELS.build(dict(dict(type='MultiInstanceDecoder', in_channels=CHANNELS, channels=8),
                             **options))
    neck.init_weights()
    return neck


def test_what_has_no_relu_starts_at_a_scale_of_its_own():
    neck = decoder(in_channels=(4, 6, 8, 2048), fusion='hierarchical')
    lateral = neck.laterals[3](torch.randn(1, 2048, 16, 16))
    assert lateral.var().item() == pytest.approx(2 * 2048 / (2048 + 8), rel=.2)  # Xavier's
    assert neck.join.weight.var().item() == pytest.approx(2 / (32 + 8), rel=.3)
    assert 0 < neck.instance.weight.std() < .02


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
    # FA with a mixing that lays its four maps of one channel side by side, IFA with convolutions
    # that pass on: together the identity
    adjust, lift = FeatureAdjustment(4), InvertedFeatureAdjustment(4)
    for conv in (adjust.mix.conv, lift.refine.conv, lift.expand.conv):
        torch.nn.init.zeros_(conv.weight), torch.nn.init.zeros_(conv.bias)
    for k in range(4):
        adjust.mix.conv.weight.data[k, 4 * k, 1, 1] = 1
        lift.refine.conv.weight.data[k, k, 1, 1] = 1
        lift.expand.conv.weight.data[k, k, 0, 0] = 1
    x = torch.zeros(2, 4, 6, 8)
    x[:, 0] = torch.rand(2, 6, 8)
    assert adjust(x).shape == (2, 4, 3, 4)
    assert torch.equal(lift(adjust(x)), x)


def convolve(x, conv):
    """Return conv(x) then ReLU, output point by output point; x is (C, H, W)."""
    reach = conv.kernel_size[0] // 2
    _, height, width = x.shape
    out = torch.zeros(conv.out_channels, height, width, dtype=x.dtype)
    for o in range(conv.out_channels):
        for i in range(height):
            for j in range(width):
                total = conv.bias[o]
                for a in range(-reach, reach + 1):
                    for b in range(-reach, reach + 1):
                        if 0 <= i + a < height and 0 <= j + b < width:
                            total = total + conv.weight[o, :, a + reach, b + reach] @ \
                                x[:, i + a, j + b]
                out[o, i, j] = total.clamp(min=0)
    return out


def test_feature_adjustment_index_by_index():
    adjust, x = FeatureAdjustment(2).double(), torch.randn(2, 4, 6, dtype=torch.float64)
    stacked = torch.zeros(8, 2, 3, dtype=torch.float64)
    for block, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        for c in range(2):
            for i in range(2):
                for j in range(3):
                    stacked[2 * block + c, i, j] = x[c, 2 * i + row, 2 * j + column]
    torch.testing.assert_close(adjust(x[None])[0], convolve(stacked, adjust.mix.conv))


def test_inverted_adjustment_index_by_index():
    lift, x = InvertedFeatureAdjustment(2).double(), torch.randn(2, 3, 2, dtype=torch.float64)
    stacked = convolve(convolve(x, lift.refine.conv), lift.expand.conv)
    expected = torch.zeros(2, 6, 4, dtype=torch.float64)
    for c in range(2):
        for i in range(6):
            for j in range(4):
                expected[c, i, j] = stacked[4 * c + 2 * (i % 2) + j % 2, i // 2, j // 2]
    torch.testing.assert_close(lift(x[None])[0], expected)


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


@pytest.mark.parametrize('options', [dict(), dict(version=1), dict(fusion='hierarchical')],
                         ids=str)
def test_without_gate_strengthening_leaves_the_features_alone(options, pyramid):
    feats = pyramid(CHANNELS)
    strong, plain = decoder(**options), decoder(**options, instance_strengthening=False)
    plain.load_state_dict({k: v for k, v in strong.state_dict().items()
                           if not k.startswith('instance.')}, strict=True)
    assert torch.equal(strong.eval()(feats)[0], plain.eval()(feats)[0])


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


def grow(near, taps, last):
    """Return the cells that a convolution with these offsets reads to make the cells ``near``."""
    return {i + tap for i in near for tap in taps} & set(range(last))


def reads(options, cell, last):
    """Return, level by level, the rows that row ``cell`` of the output is made of.

    Every layer is undone from the end by sets of indices; ``last`` rows are at stride 4.
    """
    rearrange = options.get('rearrange', True) and options.get('version', 2) == 2
    sizes = [last >> i for i in range(4)]
    conv = (-1, 0, 1)

    def bilinear(near, times, size):  # of the coarse map's rows
        found = set()
        for i in near:
            x = (i + 0.5) / times - 0.5
            found |= {min(max(int(x // 1) + k, 0), size - 1) for k in (0, 1)}
        return found

    def climb_once(near, level):  # from a level to the next finer one
        size = sizes[level]
        coarse = {i // 2 for i in near} if rearrange else bilinear(near, 2, size)
        return grow(coarse, conv, size)

    near = {cell}
    if options.get('version', 2) == 2:
        near = grow(near, [d * k for d in (1, 2, 3) for k in conv], last)
    found = [set(), set(), set(), set()]
    if options.get('fusion') == 'hierarchical':
        found[0] = grow(near, conv, last)  # climb[0] on the finest refined level
        for level in (1, 2, 3):
            found[level] = bilinear(near, 2 ** level, sizes[level]) \
                | climb_once(found[level - 1], level)
    else:
        for level in range(4):
            rows = near
            for step in range(level):
                rows = {i // 2 for i in rows} if rearrange else bilinear(rows, 2, last >> step + 1)
                rows = grow(rows, conv, last >> step + 1)
            found[level] = rows if level else grow(near, conv, last)
    if rearrange:  # feature adjustment: every level also carries the finer one
        for level in (3, 2, 1):
            found[level - 1] |= {2 * i + k for i in grow(found[level], conv, sizes[level])
                                 for k in (0, 1)}
    if options.get('top_down'):
        for level in (0, 1, 2):
            found[level + 1] |= {i // 2 for i in found[level]}
    return found


@pytest.mark.parametrize('options', [
    dict(), dict(version=1), dict(rearrange=False), dict(fusion='hierarchical'),
    dict(fusion='hierarchical', rearrange=False), dict(version=1, fusion='hierarchical'),
    dict(top_down=True)], ids=str)
@pytest.mark.parametrize('cell', [0, 150])
def test_output_is_made_of_its_receptive_field(options, cell):
    # positive weights and inputs, so that nothing cancels; without GroupNorm, whose mean and
    # variance are those of the whole map
    neck = decoder(**options).double()
    for module in neck.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        if hasattr(module, 'norm_name') and module.with_norm:
            module.with_norm = False
    last = 320
    feats = [torch.ones(1, c, last >> i, 8 >> i, dtype=torch.float64, requires_grad=True)
             for i, c in enumerate(CHANNELS)]
    neck(tuple(feats))[0][0, :, cell].sum().backward()
    for x, expected in zip(feats, reads(options, cell, last), strict=True):
        touched = set(torch.nonzero(x.grad.abs().amax((0, 1, 3))).flatten().tolist())
        assert touched == expected
    assert len(expected) < last >> 3  # far away is far away, even at stride 32


def test_crops_that_are_no_multiples_of_32_are_refused(pyramid):
    neck = decoder()
    feats = list(pyramid(CHANNELS, height=20, width=12))
    feats[3] = torch.randn(2, 10, 3, 2)  # as a backbone rounds 80 x 48
    with pytest.raises(ValueError, match='multiples of 32.*80 high and 48 wide'):
        neck(tuple(feats))
    with pytest.raises(ValueError, match=r'of \(4, 6, 8, 10\) channels, got \(4, 6, 8, 12\)'):
        neck(pyramid((4, 6, 8, 12)))
    with pytest.raises(ValueError, match=r'channels, got \(10,\).*out_indices'):
        neck(pyramid(CHANNELS)[3:])
    with pytest.raises(ValueError, match='even height'):
        FeatureAdjustment(2)(torch.zeros(1, 2, 3, 4))


def test_levels_of_other_strides_are_refused(pyramid):
    feats = list(pyramid(CHANNELS))
    feats[3] = torch.randn(2, 10, 4, 2)  # a dilated backbone that stays at stride 16
    with pytest.raises(ValueError, match=r'strides 4, 8, 16, 32.*\(4, 2\), \(4, 2\)'):
        decoder()(tuple(feats))


@pytest.mark.parametrize('options, message', [
    (dict(in_channels=(4, 6, 8)), r'four levels.*\(4, 6, 8\)'),
    (dict(version=3), 'version'), (dict(fusion='concat'), 'fusion'),
    (dict(gate=True, instance_strengthening=False), 'gate'), (dict(dilations=()), 'dilations'),
    (dict(dilations=(0, 1)), 'dilations'), (dict(dilations=3), 'dilations.*got 3'),
    (dict(dilations='12'), "dilations.*got '12'"), (dict(dilations=(1, 1.5)), 'whole numbers'),
    (dict(in_channels=256), 'four levels.*got 256'), (dict(channels=0), 'positive.*and 0'),
    (dict(in_channels=(8, 16, 0, 64)), 'positive')])
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
    with pytest.raises(ValueError, match='last level of 10 channels, got 12'):
        neck((torch.zeros(1, 12, 4, 2), ))


@pytest.mark.parametrize('gate', [False, True])
def test_instance_strengthening_alone(gate):
    options = dict(type='DeconvDecoder', in_channels=10, channels=8)
    strong = MODELS.build(dict(options, instance_strengthening=True, gate=gate))
    plain = MODELS.build(options)
    strong.init_weights()
    assert 0 < strong.instance.weight.std() < 0.02
    plain.load_state_dict({k: v for k, v in strong.state_dict().items()
                           if not k.startswith('instance.')}, strict=True)
    x = torch.randn(2, 10, 4, 2)
    features, logits = strong.eval()((x, ))
    assert logits.shape == (2, 2, 32, 16)
    expected = plain.eval()((x, ))[0]
    if gate:
        expected = expected * logits.softmax(1)[:, 1:]
    assert torch.equal(features, expected)
    with pytest.raises(ValueError, match='gate=True needs'):
        MODELS.build(dict(options, gate=True))
