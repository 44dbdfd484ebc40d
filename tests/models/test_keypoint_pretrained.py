"""From mmpose's networks of COCO keypoints, made here, to ours: what is taken, what is told."""
import logging

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

import ktn_mm.codecs  # noqa: F401
import ktn_mm.models  # noqa: F401
from ktn_mm import get_config_path
from ktn_mm.models.keypoint_pretrained import KeypointPretrained, lift

CODEC = dict(type='DensePoseCodec', input_size=(32, 64), output_size=(16, 32), sigma=4 / 3)
RESNET = dict(type='ResNet', depth=18, stem_channels=4, base_channels=4,
              out_indices=(0, 1, 2, 3))


def hrnet(multiscale):
    stages = {f'stage{i}': dict(
        num_modules=1, num_branches=i, block='BOTTLENECK' if i == 1 else 'BASIC',
        num_blocks=(1, ) * i, num_channels=(64, ) if i == 1 else (4, 6, 8, 10)[:i])
        for i in (1, 2, 3, 4)}
    stages['stage4']['multiscale_output'] = multiscale
    return dict(type='HRNet', extra=stages)


@pytest.fixture
def checkpoint(tmp_path):
    """Return a maker of a heat-map network of mmpose and the file that it was saved to."""

    def make(backbone=RESNET, in_channels=32, channels=8, deconvolutions=True, keypoints=17):
        model = MODELS.build(dict(
            type='TopdownPoseEstimator',
            backbone=dict(backbone, **(dict(out_indices=(3, )) if deconvolutions else {})),
            head=dict(
                type='HeatmapHead', in_channels=in_channels, out_channels=keypoints,
                deconv_out_channels=(channels, ) * 3 if deconvolutions else None,
                deconv_kernel_sizes=(4, ) * 3 if deconvolutions else None,
                loss=dict(type='KeypointMSELoss'), decoder=CODEC)))
        model.init_weights()
        for name, value in model.state_dict().items():
            if 'running_mean' in name:
                value.uniform_(-0.1, 0.1)
            elif 'running_var' in name:
                value.uniform_(0.5, 1)
            elif 'deconv_layers' in name and value.ndim == 4:
                value.normal_(0, 0.1)  # features that can be seen behind the biases
            elif 'final_layer' in name:
                value.normal_()
        path = tmp_path / 'td-hm.pth'
        torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1)), path)
        return model.eval(), str(path)

    return make


def build(path, *, backbone=RESNET, neck=None, in_channels=8, ktm=None, num_convs=0):
    model = MODELS.build(dict(
        type='TopdownDensePoseEstimator', backbone=backbone, neck=neck,
        head=dict(type='DensePoseHead', in_channels=in_channels, ktm=ktm, decoder=CODEC,
                  num_convs=num_convs),
        init_cfg=dict(type='KeypointPretrained', checkpoint=path)))
    model.init_weights()
    return model.eval()


DECONVOLUTIONS = dict(type='DeconvDecoder', in_channels=32, channels=8)
MID = dict(type='MultiInstanceDecoder', in_channels=(4, 8, 16, 32), channels=8)


@pytest.fixture
def told(monkeypatch):
    """Return the list of (level, line) that the log gets."""
    from ktn_mm.models import keypoint_pretrained
    lines = []
    monkeypatch.setattr(
        keypoint_pretrained, 'print_log',
        lambda line, logger, level: lines.append((level, line)))
    return lines


def doubled(heatmaps):
    """Double maps bilinearly, cells outside being 0."""
    padded = F.interpolate(F.pad(heatmaps, (1, 1, 1, 1)), scale_factor=2, mode='bilinear')
    return padded[..., 2:-2, 2:-2]


def test_lifted_predictor_doubles_the_heat_maps():
    weight, bias, x = torch.randn(17, 5, 1, 1), torch.randn(17), torch.randn(2, 5, 6, 4)
    lifted = F.conv_transpose2d(x, lift(weight), bias, stride=2, padding=1)
    expected = doubled(F.conv2d(x, weight)) + bias[:, None, None]
    torch.testing.assert_close(lifted, expected)


@pytest.mark.parametrize('ktm', [None, dict()])
def test_simple_baseline_finds_its_keypoints_at_once(checkpoint, told, ktm):
    theirs, path = checkpoint()
    ours = build(path, neck=DECONVOLUTIONS, ktm=ktm)
    image = torch.rand(2, 3, 64, 32)
    bias = theirs.head.final_layer.bias[:, None, None]
    heatmaps = theirs(image, None)
    assert (heatmaps - bias).std() > 0.1
    torch.testing.assert_close(ours(image, None)[2], doubled(heatmaps - bias) + bias)
    assert len(told) == 1 and told[0][0] == logging.INFO
    total = len(theirs.state_dict())
    backbone = len(theirs.backbone.state_dict())
    assert (f'took {total} of its {total} tensors (backbone {backbone}, neck.deconv_layers 18, '
            'head.predictors 2)') in told[0][1]
    assert not any(text in told[0][1] for text in ('not taken', 'not in it', 'times'))
    build(path, neck=DECONVOLUTIONS, num_convs=1)
    assert 'times' in told[1][1]  # our convolutions come before the predictor
    build(path, neck=dict(DECONVOLUTIONS, instance_strengthening=True))
    assert 'times' not in told[2][1]


def test_behind_mid_the_predictor_becomes_w_kpt(checkpoint, told):
    theirs, path = checkpoint()
    ours = build(path, neck=MID, ktm=dict(sources=('keypoint', )))
    for name, value in theirs.backbone.state_dict().items():
        assert torch.equal(ours.backbone.state_dict()[name], value), name
    # its rows point where they did, at the size of our own start
    weight, bias = ours.head.predictors['keypoints'].parameters()
    assert 0.0008 < weight.std() < 0.0012
    scale = weight.std() / lift(theirs.head.final_layer.weight).std()
    torch.testing.assert_close(weight, scale * lift(theirs.head.final_layer.weight))
    torch.testing.assert_close(bias, scale * theirs.head.final_layer.bias)
    before = ours.head.ktm(*(ours.head.predictors[n].weight for n in ('keypoints', 'parts',
                                                                      'mask')))
    torch.nn.init.zeros_(weight)
    after = ours.head.ktm(*(ours.head.predictors[n].weight for n in ('keypoints', 'parts',
                                                                     'mask')))
    assert not torch.equal(before, after)
    assert told[0][0] == logging.INFO
    assert (f'head.predictors.keypoints times {scale:.2g}, because the features before it are new'
            in told[0][1])
    assert ('not taken: 18 such as head.deconv_layers.0.weight: the neck has no deconvolutions'
            in told[0][1])


def test_hrnet_with_and_without_mid(checkpoint, told):
    theirs, path = checkpoint(hrnet(False), in_channels=4, deconvolutions=False)
    plain = build(path, backbone=hrnet(False), in_channels=4)
    image = torch.rand(1, 3, 64, 32)
    bias = theirs.head.final_layer.bias[:, None, None]
    assert (theirs(image, None) - bias).std() > 0.1
    torch.testing.assert_close(plain(image, None)[2],
                               doubled(theirs(image, None) - bias) + bias)
    ours = build(path, backbone=hrnet(True), neck=dict(MID, in_channels=(4, 6, 8, 10)))
    for name, value in theirs.backbone.state_dict().items():
        assert torch.equal(ours.backbone.state_dict()[name], value), name
    more = set(ours.backbone.state_dict()) - set(theirs.backbone.state_dict())
    assert more and all(k.startswith('stage4.0.fuse_layers') for k in more)
    assert ours.head.predictors['keypoints'].weight.std() < 0.01  # as our own start
    line = told[1][1]
    assert 'makes 17 heat maps of 4 channels, the model 17 of 8' in line
    assert f'not in it: {len(more)} such as backbone.stage4.0.fuse_layers' in line


def test_what_does_not_fit_is_told_and_left(checkpoint, told):
    _, path = checkpoint(channels=6, keypoints=16)
    ours = build(path, neck=DECONVOLUTIONS)
    line = told[0][1]
    assert '3 such as head.deconv_layers.0.weight: is 32x6x4x4, the model has 32x8x4x4' in line
    assert 'makes 16 heat maps of 6 channels, the model 17 of 8' in line
    assert 'neck.deconv_layers 3' in line  # the counters of batch norm are numbers all alike
    assert ours.head.predictors['keypoints'].weight.std() < 0.01

    deeper = dict(RESNET, depth=34)
    build(path, backbone=deeper, neck=DECONVOLUTIONS)
    assert 'not in it: 96 such as backbone.layer1.2.conv1.weight' in told[1][1]
    wider = dict(RESNET, base_channels=6)
    build(path, backbone=wider, neck=dict(DECONVOLUTIONS, in_channels=48))
    assert told[2][0] == logging.WARNING
    assert 'backbone.layer1.0.conv1.weight: is 4x4x3x3, the model has 6x4x3x3' in told[2][1]
    assert len(told[2][1]) < 1500


def test_names_of_older_checkpoints(checkpoint, told, tmp_path):
    theirs, path = checkpoint()
    old = {k.replace('head.', 'keypoint_head.'): v for k, v in theirs.state_dict().items()}
    torch.save(dict(state_dict=old), tmp_path / 'old.pth')
    ours = build(str(tmp_path / 'old.pth'), neck=DECONVOLUTIONS)
    assert torch.equal(ours.head.predictors['keypoints'].weight,
                       lift(theirs.head.final_layer.weight))


def test_old_files_have_no_counters_of_batch_norm(checkpoint, told, tmp_path):
    theirs, _ = checkpoint()
    torch.save({k: v for k, v in theirs.state_dict().items() if 'num_batches' not in k},
               tmp_path / 'old.pth')
    ours = build(str(tmp_path / 'old.pth'), neck=DECONVOLUTIONS)
    assert torch.equal(ours.head.predictors['keypoints'].weight,
                       lift(theirs.head.final_layer.weight))
    assert 'times' not in told[0][1]


def test_convolutions_of_their_head_make_other_features(checkpoint, told, tmp_path):
    theirs, _ = checkpoint()
    state = dict(theirs.state_dict(), **{'head.conv_layers.0.weight': torch.ones(8, 8, 3, 3),
                                         'head.final_layer.3.bias': torch.ones(3)})
    torch.save(state, tmp_path / 'convs.pth')
    build(str(tmp_path / 'convs.pth'), neck=DECONVOLUTIONS)
    assert 'times' in told[0][1] and 'head.conv_layers.0.weight: the model has no' in told[0][1]


@pytest.mark.parametrize('value', [0., float('nan')])
def test_a_predictor_that_says_nothing_is_left(checkpoint, told, tmp_path, value):
    theirs, _ = checkpoint()
    theirs.head.final_layer.weight.data.fill_(value)
    torch.save(theirs.state_dict(), tmp_path / 'none.pth')
    ours = build(str(tmp_path / 'none.pth'), neck=MID)
    assert 'not finite, or nothing but zeros' in told[0][1]
    assert 0 < ours.head.predictors['keypoints'].weight.std() < 0.01


def test_kernels_other_than_1x1_are_not_forced(checkpoint, told, tmp_path):
    theirs, _ = checkpoint()
    state = dict(theirs.state_dict(), **{'head.final_layer.weight': torch.ones(17, 8, 3, 3)})
    torch.save(state, tmp_path / 'k3.pth')
    build(str(tmp_path / 'k3.pth'), neck=DECONVOLUTIONS)
    assert 'is 17x8x3x3, only a 1x1 convolution makes a deconvolution' in told[0][1]


def test_initialisation_happens_once(checkpoint, told):
    _, path = checkpoint()
    ours = build(path, neck=DECONVOLUTIONS)
    torch.nn.init.ones_(ours.backbone.conv1.weight)
    ours.init_weights()  # mmengine warns and does nothing
    assert torch.all(ours.backbone.conv1.weight == 1) and len(told) == 1


def test_other_files_are_refused(checkpoint, tmp_path):
    theirs, path = checkpoint()
    with pytest.raises(FileNotFoundError, match='none.pth'):
        build('none.pth', neck=DECONVOLUTIONS)
    torch.save(theirs.backbone.state_dict(), tmp_path / 'backbone.pth')
    with pytest.raises(ValueError, match=r'backbone.pth: expected a top-down heat-map network.*'
                                         r'head.final_layer.weight, got conv1.weight, '):
        build(str(tmp_path / 'backbone.pth'), neck=DECONVOLUTIONS)
    other = dict(type='MobileNetV2', out_indices=(7, ))
    with pytest.raises(ValueError, match='no tensor of its backbone fits MobileNetV2; '
                                         'backbone.conv1.weight: the model has no such layer'):
        build(path, backbone=other, neck=dict(DECONVOLUTIONS, in_channels=1280))
    other = dict(RESNET, stem_channels=6, base_channels=6)
    with pytest.raises(ValueError, match='fits ResNet; backbone.conv1.weight: is 4x3x7x7, the mod'
                                         'el has 6x3x7x7'):
        build(path, backbone=other, neck=dict(DECONVOLUTIONS, in_channels=48))
    with pytest.raises(ValueError, match='not DensePoseHead: put it into the init_cfg of the mo'):
        KeypointPretrained(path)(MODELS.build(dict(type='DensePoseHead')))


@pytest.mark.slow
@pytest.mark.parametrize('name, ours, taken', [
    ('res50_8xb64-210e_coco-256x192', 'baseline_res50_8xb32-210e_densepose-coco-256x192.py',
     'backbone 318, neck.deconv_layers 18, head.predictors 2'),
    ('res50_8xb64-210e_coco-256x192', 'ktn_res50_8xb32-210e_densepose-coco-256x192.py',
     'backbone 318, head.predictors 2'),
    ('hrnet-w32_8xb64-210e_coco-256x192', 'ktn_hrnet-w32_8xb32-210e_densepose-coco-256x192.py',
     'backbone 1752')])
def test_published_layouts(name, ours, taken, told, tmp_path):
    theirs = Config.fromfile(get_published(name))
    init_default_scope('mmpose')
    theirs.model.backbone.init_cfg = None
    torch.save(dict(state_dict=MODELS.build(theirs.model).state_dict()), tmp_path / 'td-hm.pth')
    config = Config.fromfile(get_config_path(ours))
    config.model.backbone.init_cfg = None
    config.model.init_cfg = dict(type='KeypointPretrained', checkpoint=str(tmp_path / 'td-hm.pth'))
    MODELS.build(config.model).init_weights()
    assert f'({taken})' in told[0][1]


def get_published(name):
    """Return the path of a config in mmpose's wheel."""
    from importlib.util import find_spec
    from pathlib import Path
    root = Path(find_spec('mmpose').origin).parent / '.mim' / 'configs'
    return root / 'body_2d_keypoint' / 'topdown_heatmap' / 'coco' / f'td-hm_{name}.py'
