"""The head's losses against plain loops, and what happens without annotation."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch.utils._python_dispatch import TorchDispatchMode

import ktn_mm.codecs  # noqa: F401
import ktn_mm.models  # noqa: F401
from ktn_mm.models.losses import SurfaceTriplet

CODEC = dict(type='DensePoseCodec', input_size=(32, 64), output_size=(16, 32), sigma=4 / 3)


def make_head(**options):
    head = MODELS.build(dict(type='DensePoseHead', in_channels=8, decoder=CODEC) | options)
    head.init_weights()
    return head


def make_feats(batch=2, instance=True):
    feats = (torch.randn(batch, 8, 16, 8), torch.randn(batch, 2, 16, 8))
    for x in feats:
        x.requires_grad_()
    return feats if instance else feats[:1]


@pytest.mark.parametrize('ktm', [None, dict(sources=('keypoint', ))])
@pytest.mark.parametrize('num_convs', [0, 2])
def test_outputs_are_a_plain_tuple_of_the_six_predictors(ktm, num_convs):
    head = make_head(ktm=ktm, num_convs=num_convs, channels=16 if num_convs else None)
    feats = make_feats()
    outputs = head(feats)
    assert type(outputs) is tuple
    assert [x.shape[1] for x in outputs] == [2, 15, 17, 25, 25, 25, 2]
    assert all(x.shape[2:] == (32, 16) for x in outputs[:6]) and outputs[6] is feats[1]
    assert len(head(feats[:1])) == 6
    features = head.convs(feats[0])
    names = ('mask', 'parts', 'keypoints', 'surfaces', 'u', 'v')
    for name, output in zip(names, outputs[:6], strict=True):
        if name in head.predictors:
            torch.testing.assert_close(output, head.predictors[name](features),
                                       rtol=1e-4, atol=1e-5)
    assert ('surfaces' in head.predictors) == (ktm is None)


def test_heat_maps_start_near_0_and_coordinates_near_the_middle():
    predictors = make_head().predictors
    for name, bias in (('keypoints', 0), ('u', .5), ('v', .5)):
        assert (predictors[name].bias == bias).all()
        assert predictors[name].weight.std().item() == pytest.approx(.001, rel=.1)


def test_other_levels_of_a_backbone_are_no_instance_logits():
    assert len(make_head()((torch.randn(1, 8, 16, 8), torch.randn(1, 16, 8, 4)))) == 6


@pytest.mark.parametrize('ktm', [None, dict()])
def test_batch_without_annotation_has_zero_losses_and_all_gradients(ktm, make_samples):
    head = make_head(ktm=ktm, num_convs=1, loss_triplet=dict(type='SurfaceTriplet'))
    feats = make_feats()
    losses = head.loss(feats, make_samples(annotated=False))
    assert set(losses) == {'loss_mask', 'loss_part', 'loss_keypoint', 'loss_instance',
                           'loss_surface', 'loss_u', 'loss_v', 'loss_triplet', 'acc_surface'}
    for name, value in losses.items():
        assert value.item() == 0, name
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() == 0, name
    assert all(x.grad is not None for x in feats)


@pytest.mark.parametrize('ktm', [None, dict(), dict(sources=('part', ), residual=True)])
def test_annotated_batch_trains_every_weight(ktm, make_samples):
    head = make_head(ktm=ktm, num_convs=1)
    losses = head.loss(make_feats(), make_samples())
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def read_by_loop(maps, x, y):
    """Read (H, W) at grid position (x, y), cell by cell."""
    height, width = maps.shape
    total = 0.
    for i in range(height):
        for j in range(width):
            total += float(maps[i, j]) * max(0., 1 - abs(i - y)) * max(0., 1 - abs(j - x))
    return total


def test_point_losses_by_loop(make_samples):
    head = make_head(loss_triplet=dict(type='SurfaceTriplet'))
    feats, samples = make_feats(), make_samples()
    # keep to points between cell centres, so that the loop needs no border
    for sample in samples:
        label = sample.gt_instance_labels
        label.dp_points.clamp_(2, 29)
        label.dp_surfaces[0, 3:5] = label.dp_surfaces[0, 1:3]  # triplets need pairs
    samples[1].gt_instance_labels.dp_points[0, 0] = torch.tensor([40., 10.])  # off the crop
    losses = head.loss(feats, samples)
    maps = [m.detach().double() for m in head(feats)]
    surface, u, v, right, features, targets = 0., 0., 0., 0, [], []
    for b, sample in enumerate(samples):
        label = sample.gt_instance_labels
        for p in range(6):
            target = int(label.dp_surfaces[0, p])
            if target == 0 or (b, p) == (1, 0):
                continue
            x, y = ((label.dp_points[0, p].double() + 0.5) / 2 - 0.5).tolist()
            logits = torch.tensor([read_by_loop(maps[3][b, s], x, y) for s in range(25)])
            surface += float(logits.exp().sum().log() - logits[target])
            right += int(logits[1:].argmax()) + 1 == target
            errors = [abs(read_by_loop(maps[i][b, target], x, y) - float(label.dp_uv[0, p, i - 4]))
                      for i in (4, 5)]
            u, v = (t + (e * e / 2 if e < 1 else e - 0.5)
                    for t, e in zip((u, v), errors, strict=True))
            targets.append(target)
            x, y = (x - 0.5) / 2, (y - 0.5) / 2  # of the features, which are half as large
            features.append([read_by_loop(m, x, y) for m in feats[0][b].detach()])
    count = len(targets)
    assert count == 9
    np.testing.assert_allclose(losses['loss_surface'].item(), surface / count, rtol=1e-5)
    np.testing.assert_allclose(losses['loss_u'].item(), 10 * u / count, rtol=1e-5)
    np.testing.assert_allclose(losses['loss_v'].item(), 10 * v / count, rtol=1e-5)
    np.testing.assert_allclose(losses['acc_surface'].item(), right / count, rtol=1e-6)
    triplet = SurfaceTriplet()(torch.tensor(features), torch.tensor(targets))
    np.testing.assert_allclose(losses['loss_triplet'].item(), triplet.item(), rtol=1e-5)
    assert triplet > 0


def test_dense_and_keypoint_losses_by_loop(make_samples):
    head, feats, samples = make_head(), make_feats(), make_samples()
    samples[0].gt_fields.dp_parts[0, :5] = 255
    samples[0].gt_fields.dp_mask[0, :3] = 255
    losses = head.loss(feats, samples)
    maps = [m.detach().double() for m in head(feats)]

    def cross_entropy(logits, field):
        total, count = 0., 0
        for b, sample in enumerate(samples):
            labels = getattr(sample.gt_fields, field)[0]
            for i in range(32):
                for j in range(16):
                    if labels[i, j] != 255:
                        cell = logits[b, :, i, j]
                        total += float(cell.exp().sum().log() - cell[labels[i, j]])
                        count += 1
        return total / count

    instance = F.interpolate(maps[6], scale_factor=2, mode='bilinear')
    for name, weight, logits, field in (('loss_mask', 5, maps[0], 'dp_mask'),
                                        ('loss_part', 2, maps[1], 'dp_parts'),
                                        ('loss_instance', 1, instance, 'dp_mask')):
        np.testing.assert_allclose(losses[name].item(), weight * cross_entropy(logits, field),
                                   rtol=1e-5)
    squares = sum(
        float((maps[2][b, k] - s.gt_fields.heatmaps[k]).square().sum())
        for b, s in enumerate(samples) for k in range(17)
        if s.gt_instance_labels.keypoint_weights[0, k] > 0)
    np.testing.assert_allclose(losses['loss_keypoint'].item(),
                               1000 * squares / (2 * 17 * 32 * 16), rtol=1e-5)


def test_losses_are_float32_under_autocast(make_samples):
    head = make_head(ktm=dict(), loss_triplet=dict(type='SurfaceTriplet'))
    feats, samples = make_feats(), make_samples()
    samples[1].gt_instance_labels.dp_surfaces = samples[0].gt_instance_labels.dp_surfaces
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = head.loss(feats, samples)
        assert head(feats)[0].dtype == torch.bfloat16
    reference = head.loss(feats, samples)
    for name, value in losses.items():
        assert value.dtype == torch.float32, name
        np.testing.assert_allclose(value.item(), reference[name].item(), rtol=0.1, atol=0.15)
    for name in ('loss_triplet', 'loss_instance'):  # of what was float32 when the head got it
        assert losses[name] == reference[name] > 0


def test_folded_is_unfolded(make_samples):
    head = make_head(ktm=dict(residual=True), num_convs=1).eval()
    torch.nn.init.normal_(head.ktm.residual, std=0.1)
    feats = make_feats()
    before = [x.detach().clone() for x in head(feats)]
    assert head.fold() is head and head.ktm is None
    for a, b in zip(before, head(feats), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    plain = make_head(num_convs=1).eval()
    plain.load_state_dict(head.state_dict(), strict=True)
    torch.testing.assert_close(plain(feats)[3], before[3], rtol=1e-5, atol=1e-5)
    assert plain.fold() is plain


def test_saved_loaded_and_folded_checkpoints_agree(tmp_path):
    trained = make_head(ktm=dict(residual=True), num_convs=1).eval()
    torch.nn.init.normal_(trained.ktm.residual, std=0.1)
    feats = make_feats()
    expected = [x.detach().clone() for x in trained(feats)]
    torch.save(trained.state_dict(), tmp_path / 'trained.pth')

    loaded = make_head(ktm=dict(residual=True), num_convs=1).eval()
    with torch.no_grad():
        loaded(feats)  # the cache now holds another kernel
    loaded.load_state_dict(torch.load(tmp_path / 'trained.pth'), strict=True)
    with torch.no_grad():
        for a, b in zip(expected, loaded(feats), strict=True):
            assert torch.equal(a, b)
    torch.save(loaded.fold().state_dict(), tmp_path / 'folded.pth')

    plain = make_head(num_convs=1).eval()
    plain.load_state_dict(torch.load(tmp_path / 'folded.pth'), strict=True)
    for a, b in zip(expected, plain(feats), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('frozen', [False, True])
def test_surface_loss_alone_reaches_every_source_but_frozen_location(
        frozen, make_samples, tmp_path):
    np.savez(tmp_path / 'location.npz', weights=np.ones((5, 12), np.float32))
    head = make_head(ktm=dict(location_file=str(tmp_path / 'location.npz')) if frozen else dict())
    head.loss(make_feats(), make_samples())['loss_surface'].backward()
    reached = {name for name, p in head.named_parameters()
               if p.grad is not None and p.grad.abs().sum() > 0}
    expected = {f'predictors.{n}.weight' for n in ('keypoints', 'parts', 'mask')}
    if frozen:
        expected.remove('predictors.mask.weight')
    assert expected == {name for name in reached if name.startswith('predictors')}
    assert {f'ktm.graphs.{n}' for n in ('keypoint', 'part', 'location')} <= reached
    assert 'ktm.location' in head.state_dict() or not frozen


class OperatorCount(TorchDispatchMode):
    """Count the operators that run."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.total += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize('loss_surface', [
    dict(), dict(reweight='batch'), dict(resample=True)], ids=str)
def test_no_loss_loops_over_crops_or_points(loss_surface, make_samples):
    head = make_head(ktm=dict(), loss_triplet=dict(type='SurfaceTriplet'),
                     loss_surface=loss_surface)
    counts = []
    for crops, points in ((2, 6), (7, 6), (2, 60)):
        feats, samples = make_feats(crops), make_samples(crops, points=points)
        with OperatorCount() as counter:
            head.loss(feats, samples)
        counts.append(counter.total)
    assert counts[0] > 50 and len(set(counts)) == 1


def test_evaluation_follows_training(make_samples):
    head, feats, samples = make_head(ktm=dict()), make_feats(), make_samples()
    optimizer = torch.optim.SGD(head.parameters(), 0.05)
    for _ in range(2):
        head.eval()
        with torch.no_grad():
            cached = head(feats)[3]
        head.train()
        torch.testing.assert_close(cached, head(feats)[3].detach())
        sum(v for k, v in head.loss(feats, samples).items() if 'loss' in k).backward()
        optimizer.step()


def test_training_lowers_every_loss(make_samples):
    head, feats, samples = make_head(ktm=dict(), num_convs=1), make_feats(), make_samples()
    feats = [x.detach() for x in feats]
    optimizer = torch.optim.Adam(head.parameters(), 5e-3)
    first = None
    for _ in range(40):
        losses = head.loss(feats, samples)
        first = first or {k: v.item() for k, v in losses.items()}
        optimizer.zero_grad()
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        optimizer.step()
    for name in ('loss_mask', 'loss_part', 'loss_keypoint', 'loss_surface', 'loss_u', 'loss_v'):
        assert losses[name] < 0.97 * first[name], name
    assert losses['loss_surface'] < 0.5 * first['loss_surface']
    assert losses['acc_surface'] > 0.8


@pytest.mark.parametrize('threshold', [.05, .9])
def test_people_are_where_their_probability_exceeds_the_threshold(threshold, make_samples):
    head, feats = make_head(foreground_threshold=threshold).eval(), make_feats()
    head.predictors['mask'].weight.data *= 4
    mask = F.interpolate(head(feats)[0].detach(), scale_factor=2, mode='bilinear')
    person = mask.softmax(1)[:, 1].numpy() > threshold
    assert .05 < person.mean() < .95
    for instance, expected in zip(head.predict(feats, make_samples()), person, strict=True):
        np.testing.assert_array_equal(instance.dense_labels[0] > 0, expected)


def test_traced_head_is_the_head():
    head = make_head(ktm=dict()).eval()
    feats, others = make_feats(), make_feats()
    traced = torch.jit.trace(head, (feats, ), check_trace=False)
    for a, b in zip(traced(others), head(others), strict=True):
        torch.testing.assert_close(a, b)


def test_wrong_arguments_are_named(make_samples):
    with pytest.raises(ValueError, match='num_convs=0'):
        make_head(channels=16)
    with pytest.raises(ValueError, match='num_convs'):
        make_head(num_convs=-1)
    for use in (make_head(), lambda feats: make_head().loss(feats, make_samples())):
        with pytest.raises(ValueError, match=r'in_channels=8, got .*\(2, 12, 16, 8\)'):
            use((torch.zeros(2, 12, 16, 8), ))
    with pytest.raises(ValueError, match='channels=4.*got'):
        make_head(ktm=dict(channels=4))(make_feats())
    with pytest.raises(ValueError, match='foreground_threshold'):
        make_head(foreground_threshold=30)
    with pytest.raises(ValueError, match=r'grid of \(32, 16\).*\(16, 8\)'):
        make_head().loss(make_feats(), make_samples(width=16, height=32))
