"""The order of measurements, what is measured, and that KTM costs nothing once it is folded."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

import ktn_mm  # noqa: F401  (registers the models)
from ktn_mm.apis import stopwatch
from ktn_mm.apis.complexity import build_untrained

LEAVES = Path(__file__).resolve().parents[2] / 'configs' / 'densepose_topdown'


@pytest.fixture
def config():
    return Config.fromfile(LEAVES / 'ktn_mobilenetv2_1xb16-demo_open-body-128x96.py')


def test_contenders_take_turns():
    clock, calls = [0.], []

    def work(name, seconds):
        def run():
            calls.append(name)
            clock[0] += seconds + len(calls)
        return run

    seconds = stopwatch.interleave(dict(a=work('a', 100), b=work('b', 200)), 3,
                                   clock=lambda: clock[0])
    assert ''.join(calls) == 'ab' + 'ba' + 'ab' + 'ba'  # once to warm up, then in turn
    np.testing.assert_array_equal(seconds['a'], [104, 105, 108])
    np.testing.assert_array_equal(seconds['b'], [203, 206, 207])


def test_batch_is_annotated_and_of_the_configs_size(config):
    batch = stopwatch.training_batch(config, 3)
    assert [tuple(x.shape) for x in batch['inputs']] == [(3, 128, 96)] * 3
    for sample in batch['data_samples']:
        assert (sample.gt_instance_labels.dp_surfaces > 0).sum() > 20
        assert sample.gt_fields.heatmaps.shape == (17, 64, 48)


def test_a_step_changes_every_part(config):
    torch.manual_seed(0)
    config.model.head.template = 'none.npz'
    config.model.test_cfg.flip_test = True
    model = build_untrained(config)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    log = stopwatch.training_step(model, config, stopwatch.training_batch(config, 2))()
    assert torch.isfinite(log['loss'])
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    for part in ('backbone.', 'neck.', 'head.predictors.', 'head.ktm.'):
        assert any(name.startswith(part) for name in changed), part


def test_pass_of_the_neck_reaches_its_levels_and_parameters(config):
    model = build_untrained(config)
    grads = stopwatch.neck_pass(model, stopwatch.training_batch(config, 2))()
    wanted = 4 + len(list(model.neck.parameters()))
    assert len(grads) == wanted and all(grad is not None for grad in grads)
    assert [tuple(g.shape[1:]) for g in grads[:4]] == [
        (c, 32 >> i, 24 >> i) for i, c in enumerate((24, 32, 96, 320))]


@pytest.mark.slow
def test_folded_network_takes_as_long_as_one_without_ktm(config):
    torch.set_num_threads(1)
    folded = build_untrained(config)
    folded.head.fold()
    plain = build_untrained(config, ktm=False)
    seconds = stopwatch.interleave({
        name: stopwatch.inference(model, (96, 128), 8)
        for name, model in (('folded', folded), ('plain', plain))}, 101)
    ratio = np.median(seconds['folded']) / np.median(seconds['plain'])
    assert ratio == pytest.approx(1, abs=0.03)
