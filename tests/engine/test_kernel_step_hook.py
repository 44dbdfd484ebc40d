"""The share of itself by which a step moves the surfaces' predictor."""
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmpose.registry import HOOKS

from ktn_mm.models import DensePoseHead


@pytest.fixture
def hub():
    return MessageHub('test_kernel_step_hook')


@pytest.fixture
def after(hub):
    """Return a function that gives the next share that is logged, of a kernel."""
    hook = HOOKS.build(dict(type='KernelStepHook'))
    runner = SimpleNamespace(message_hub=hub, model=None)
    hook.before_train(runner)

    def step(kernel):
        runner.model = SimpleNamespace(head=SimpleNamespace(surface_kernel=lambda: kernel))
        hook.after_train_iter(runner, 0)
        return hub.get_scalar('train/kernel_step').current() \
            if 'train/kernel_step' in hub.log_scalars else None
    return step


def test_the_share_is_of_what_each_surface_has_of_its_own(after):
    kernel = torch.zeros(1, 25, 1, 1)
    kernel[0, 1], kernel[0, 2] = 3., -3.  # their mean is 0, their norm 3 sqrt(2)
    assert after(kernel) is None
    assert after(kernel + 5.) == 0  # all alike
    kernel[0, 0] = 7.  # background
    assert after(kernel) == 0
    kernel[0, 1], kernel[0, 2] = 4., -4.
    assert after(kernel) == pytest.approx(1 / 4)
    kernel[0, 3], kernel[0, 4] = 3., -3.  # sqrt(9 + 9) of sqrt(16 + 16 + 9 + 9)
    assert after(kernel) == pytest.approx(.6)


@pytest.mark.parametrize('ktm', [None, {}])
def test_the_kernel_is_the_head_s(hub, ktm):
    head = DensePoseHead(in_channels=4, channels=4, ktm=ktm)
    head.init_weights()
    hook = HOOKS.build(dict(type='KernelStepHook'))
    runner = SimpleNamespace(message_hub=hub,
                             model=torch.nn.DataParallel(torch.nn.ModuleDict(dict(head=head))))
    hook.before_train(runner)
    hook.after_train_iter(runner, 0)
    before = head.surface_kernel().detach()[:, 1:].clone()
    with torch.no_grad():
        for predictor in head.predictors.values():
            predictor.weight *= 1.1
        after = head.surface_kernel()[:, 1:]
    hook.after_train_iter(runner, 1)
    own = [kernel - kernel.mean(1, keepdim=True) for kernel in (before, after)]
    share = ((own[1] - own[0]).norm() / own[1].norm()).item()
    assert hub.get_scalar('train/kernel_step').current() == pytest.approx(share)
    assert share > .01
    if ktm is None:
        assert share == pytest.approx(.1 / 1.1)
