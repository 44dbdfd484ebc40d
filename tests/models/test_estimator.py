"""The estimator built from a config: three modes, image coordinates, and checkpoints."""
import copy
import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from mmengine.structures import InstanceData
from mmpose.registry import KEYPOINT_CODECS, MODELS

import ktn_mm.codecs  # noqa: F401
import ktn_mm.models  # noqa: F401
from ktn_mm.structures import CropFrame
from ktn_mm.surface.charts import KEYPOINT_TWIN, SURFACE_TWIN
from ktn_mm.surface.densepose_template import NoMirror
from ktn_mm.surface.template import SurfaceTemplate

CODEC = dict(type='DensePoseCodec', input_size=(32, 64), output_size=(16, 32), sigma=4 / 3)


def config(neck='MultiInstanceDecoder', test_cfg=None, head=None, **options):
    necks = dict(MultiInstanceDecoder=dict(type='MultiInstanceDecoder', in_channels=(4, 8, 16, 32),
                                           channels=8),
                 DeconvDecoder=dict(type='DeconvDecoder', in_channels=32, channels=8))
    return dict(
        type='TopdownDensePoseEstimator',
        backbone=dict(type='ResNet', depth=18, stem_channels=4, base_channels=4,
                      out_indices=(0, 1, 2, 3)),
        neck=necks[neck],
        head=dict(type='DensePoseHead', in_channels=8, ktm=dict(), decoder=CODEC) | (head or {}),
        test_cfg=test_cfg or {}, **options)


@pytest.fixture(scope='module')
def built():
    """One initialised estimator; tests that change it take a copy."""
    torch.manual_seed(0)
    model = MODELS.build(config())
    model.init_weights()
    return model


@pytest.fixture
def model(built):
    return copy.deepcopy(built).eval()


def test_tensor_mode_is_a_plain_tuple(model):
    outputs = model(torch.rand(2, 3, 64, 32), None, mode='tensor')
    assert [tuple(x.shape[1:]) for x in outputs] == [
        (2, 32, 16), (15, 32, 16), (17, 32, 16), *[(25, 32, 16)] * 3, (2, 16, 8)]


@pytest.mark.parametrize('annotated', [True, False])
def test_loss_mode_reaches_every_parameter(model, make_samples, annotated):
    model.train()
    losses = model(torch.rand(2, 3, 64, 32), make_samples(annotated=annotated), mode='loss')
    total, logged = model.parse_losses(losses)
    total.backward()
    assert 'acc_surface' in logged
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
    assert (total.item() == 0) == (not annotated)


@pytest.mark.parametrize('gate', [False, True])
def test_simple_baseline_with_instance_strengthening(make_samples, gate):
    cfg = config('DeconvDecoder')
    cfg['neck'].update(instance_strengthening=True, gate=gate)
    model = MODELS.build(cfg)
    model.init_weights()
    losses = model(torch.rand(2, 3, 64, 32), make_samples(), mode='loss')
    losses['loss_instance'].backward()
    assert losses['loss_instance'] > 0.5  # two classes, nothing learnt: log 2
    assert model.neck.instance.weight.grad.abs().sum() > 0
    assert model.backbone.conv1.weight.grad.abs().sum() > 0
    with torch.no_grad():
        assert len(model.eval()(torch.rand(2, 3, 64, 32), make_samples(), mode='predict')) == 2


@pytest.mark.parametrize('flip_test', [False, True])
def test_predictions_follow_the_contract(model, make_samples, flip_test):
    model.test_cfg['flip_test'] = flip_test
    with torch.no_grad():
        samples = model(torch.rand(2, 3, 64, 32), make_samples(), mode='predict')
    for sample in samples:
        pred = sample.pred_instances
        assert len(pred) == 1
        expected = dict(
            keypoints=(1, 17, 2), keypoint_scores=(1, 17), dense_labels=(1, 64, 32),
            dense_uv=(1, 2, 64, 32), dense_scores=(1, ), bboxes=(1, 4), bbox_scores=(1, ),
            input_center=(1, 2), input_scale=(1, 2))
        for name, shape in expected.items():
            assert isinstance(pred[name], np.ndarray) and pred[name].shape == shape, name
        assert pred.dense_labels.dtype == np.uint8 and pred.dense_labels.max() <= 24
        assert pred.dense_uv.dtype == np.float16
        assert pred.dense_uv.min() >= 0 and pred.dense_uv.max() <= 1
        np.testing.assert_array_equal(pred.input_center, [[50, 60]])
        np.testing.assert_array_equal(pred.input_scale, [[40, 80]])
        assert pred.bbox_scores == np.float32(0.8)


def test_training_for_a_flip_test_without_a_mirror_ends_at_its_first_step(
        model, make_samples, tmp_path):
    model.head.template = SimpleNamespace(mirror=NoMirror(tmp_path / 'template.npz'))
    batch = torch.rand(2, 3, 64, 32), make_samples()
    assert 'loss_u' in model(*batch, mode='loss')
    model.test_cfg['flip_test'] = True
    with pytest.raises(ValueError, match='template.npz has no mirror.*model.test_cfg.flip_test=F'):
        model(*batch, mode='loss')


def test_flip_test_of_a_mirrored_picture_is_the_mirrored_result(
        model, make_samples, monkeypatch):
    template = SurfaceTemplate.load()
    model.test_cfg['flip_test'] = True
    heatmaps, decode = [], model.head.decode
    monkeypatch.setattr(model.head, 'decode', lambda x: heatmaps.append(x) or decode(x))
    image = torch.rand(1, 3, 64, 32)
    with torch.no_grad():
        one, two = (model(x, make_samples(1), mode='predict')[0].pred_instances
                    for x in (image, image.flip(-1)))
    labels = one.dense_labels[..., ::-1]
    assert len(np.unique(labels)) > 3
    np.testing.assert_array_equal(SURFACE_TWIN[labels], two.dense_labels)
    on = labels[0] > 0
    twin, uv = template.mirror(labels[0][on].astype(np.int64),
                               one.dense_uv[0][..., ::-1][:, on].T.astype(np.float32))
    np.testing.assert_array_equal(twin, two.dense_labels[0][on])
    np.testing.assert_allclose(uv, two.dense_uv[0][:, on].T, atol=2e-3)
    # UDP's refinement is itself not symmetric on random maps, so the maps are compared
    torch.testing.assert_close(heatmaps[0].flip(-1)[:, torch.tensor(KEYPOINT_TWIN)],
                               heatmaps[1])


def test_keypoints_come_back_in_image_coordinates(model, make_samples):
    codec = KEYPOINT_CODECS.build(CODEC)
    rng = np.random.default_rng(0)
    on_crop = rng.uniform([10, 10], [21, 53], (1, 17, 2)).astype(np.float32)
    heatmaps = codec.encode(on_crop)['heatmaps']
    keypoints, scores = codec.decode(heatmaps)
    pred = InstanceData(keypoints=keypoints, keypoint_scores=scores)
    sample = model.add_pred_to_datasample([pred], None, make_samples(1))[0]
    frame = CropFrame((50., 60.), (40., 80.), (32, 64))
    # away from the rim, where the decoder is exact
    np.testing.assert_allclose(sample.pred_instances.keypoints, frame.to_image(on_crop), atol=0.1)
    bias = (sample.pred_instances.keypoints - frame.to_image(on_crop)).mean((0, 1))
    assert np.abs(bias).max() < 0.02


def test_score_with_dense_confidence(built, make_samples):
    model = copy.deepcopy(built).eval()
    model.test_cfg['score'] = 'box*dense'
    samples = make_samples()
    with torch.no_grad():
        results = model(torch.rand(2, 3, 64, 32), samples, mode='predict')
    for sample in results:
        pred = sample.pred_instances
        np.testing.assert_allclose(pred.bbox_scores, 0.8 * pred.dense_scores, rtol=1e-6)
        assert sample.gt_instances.bbox_scores == np.float32(0.8)
    with pytest.raises(ValueError, match='score'):
        MODELS.build(config(test_cfg=dict(score='luck')))


@pytest.mark.parametrize('neck', ['MultiInstanceDecoder', 'DeconvDecoder'])
def test_crop_sides_must_be_multiples_of_32(neck):
    model = MODELS.build(config(neck))
    with pytest.raises(ValueError, match=r'multiples of 32; input_size is \(48, 64\)'):
        model(torch.rand(1, 3, 64, 48), None, mode='tensor')
    with pytest.raises(ValueError, match=r'multiples of 32; input_size is \(100, 128\)'):
        MODELS.build(config(neck, head=dict(decoder=dict(CODEC, input_size=(100, 128)))))


def test_state_dict_round_trip(built, model):
    other = MODELS.build(config()).eval()
    image = torch.rand(1, 3, 64, 32)
    assert not torch.equal(other(image, None)[3], model(image, None)[3])
    load_state_dict(other, model.state_dict(), strict=True)
    for a, b in zip(other(image, None), model(image, None), strict=True):
        assert torch.equal(a, b)


@pytest.fixture
def warnings_of(monkeypatch):
    """Return the list of warnings that loading prints."""
    from ktn_mm.models.pose_estimators import topdown_densepose
    messages = []
    monkeypatch.setattr(topdown_densepose, 'print_log',
                        lambda message, level, **_: messages.append((level, message)))
    return messages


def test_checkpoint_of_another_architecture_is_refused(model, warnings_of):
    wide = copy.deepcopy(model.state_dict())
    wide['neck.laterals.0.weight'] = torch.zeros(16, 4, 1, 1)
    with pytest.raises(ValueError, match=r'1 of \d+ entries differ in shape.*laterals.0.weight: '
                                         r'model \(8, 4, 1, 1\), checkpoint \(16, 4, 1, 1\)'):
        load_state_dict(model, wide, strict=False)
    with pytest.raises(ValueError, match='has 0 of the.*It holds weight'):
        load_state_dict(model, dict(weight=torch.zeros(3)), strict=False)
    backbone = {k: v for k, v in model.state_dict().items() if k.startswith('backbone.')}
    with pytest.raises(ValueError, match=r'lacks \d+ \(neck.*allow_partial_init'):
        load_state_dict(model, backbone, strict=False)
    assert not warnings_of
    model.allow_partial_init = True
    load_state_dict(model, backbone, strict=False)
    assert len(warnings_of) == 1 and warnings_of[0][0] == logging.WARNING


ALGORITHMS = dict(
    baseline=dict(neck='DeconvDecoder', head=dict(ktm=None)), ktm=dict(neck='DeconvDecoder'),
    mid=dict(head=dict(ktm=None)), ktn=dict())


def test_no_algorithm_takes_the_checkpoint_of_another(warnings_of):
    models = {name: MODELS.build(config(**options)) for name, options in ALGORITHMS.items()}
    for name, model in models.items():
        for other, source in models.items():
            if other == name:
                load_state_dict(model, source.state_dict(), strict=False)
                continue
            with pytest.raises(ValueError) as caught:
                load_state_dict(model, source.state_dict(), strict=False)
            said = str(caught.value)
            assert f'looks like one of {other}_*' in said and f'is one of {name}_*' in said
            missing = set(model.state_dict()) - set(source.state_dict())
            missing = {k for k in missing if not k.endswith('num_batches_tracked')}
            assert f'lacks {len(missing)} (' in said
    assert not warnings_of


def test_one_missing_or_foreign_entry_is_named(model):
    state = model.state_dict()
    for name in ('neck.instance.weight', 'head.predictors.u.bias', 'backbone.conv1.weight'):
        less = {k: v for k, v in state.items() if k != name}
        with pytest.raises(ValueError, match=rf'it lacks 1 \({name}\)'):
            load_state_dict(model, less, strict=False)
    more = dict(state, **{'neck.extra.weight': torch.zeros(1)})
    with pytest.raises(ValueError, match=r'lacks none; the model lacks 1 \(neck.extra.weight\)'):
        load_state_dict(model, more, strict=False)


def test_counters_and_wrappers_do_not_count(model, warnings_of):
    state = {k: v for k, v in model.state_dict().items() if not k.endswith('num_batches_tracked')}
    assert len(state) < len(model.state_dict())
    load_state_dict(model, state, strict=False)
    wrapped = torch.nn.Sequential(model)
    wrapped.load_state_dict({f'0.{k}': v for k, v in model.state_dict().items()})
    with pytest.raises(ValueError, match=r'lacks 2 \(neck.instance.weight'):
        wrapped.load_state_dict({f'0.{k}': v for k, v in model.state_dict().items()
                                 if not k.startswith('neck.instance.')}, strict=False)
    assert not warnings_of


def test_allowed_partial_checkpoint_warns_once_with_counts(model, warnings_of):
    model.allow_partial_init = True
    partial = {k: v + 1 if v.is_floating_point() else v for k, v in model.state_dict().items()
               if not k.startswith('head.ktm.')}
    load_state_dict(model, partial, strict=False)
    total, missing = len(model.state_dict()), len(model.state_dict()) - len(partial)
    assert missing == 7
    assert len(warnings_of) == 1
    assert f'{total - missing} of the {total}' in warnings_of[0][1]
    assert f'it lacks {missing} (head.ktm.' in warnings_of[0][1]
    torch.testing.assert_close(model.state_dict()['neck.laterals.0.weight'],
                               partial['neck.laterals.0.weight'])


def test_backbone_initialisation_is_not_disturbed(model, tmp_path, warnings_of):
    path = tmp_path / 'backbone.pth'
    weights = {k: v + 1 if v.is_floating_point() else v
               for k, v in model.backbone.state_dict().items()}
    torch.save(weights, path)
    cfg = config()
    cfg['backbone']['init_cfg'] = dict(type='Pretrained', checkpoint=str(path))
    fresh = MODELS.build(cfg)
    fresh.init_weights()
    assert torch.equal(fresh.backbone.conv1.weight, weights['conv1.weight'])
    assert not warnings_of


def test_folded_model_predicts_the_same(model):
    image = torch.rand(1, 3, 64, 32)
    before = model(image, None)
    model.head.fold()
    assert not any('ktm' in k for k in model.state_dict())
    for a, b in zip(before, model(image, None), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-4)
