"""How far a step moves the predictor of the surfaces."""
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpose.registry import HOOKS
from torch import Tensor


@HOOKS.register_module()
class KernelStepHook(Hook):
    """Log ``kernel_step``: by which share of itself a step moves the predictor of the surfaces.

    That of the norms of what each surface has of its own, the kernels less their mean, without
    background; the first step has none. A free kernel is moved by the optimizer, one that KTM
    makes by all weights that it is made of. Switched on by ``--cfg-options
    default_hooks.kernel_step.type=KernelStepHook``.
    """

    def before_train(self, runner) -> None:
        self._before = None

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        own = own_parts(model.head.surface_kernel().detach())
        if self._before is not None:
            share = (own - self._before).norm() / own.norm()
            runner.message_hub.update_scalar('train/kernel_step', share.item())
        self._before = own


def own_parts(kernel: Tensor) -> Tensor:
    """Return (C, 24, k, k), what each surface has of its own, of a kernel (C, 25, k, k)."""
    surfaces = kernel[:, 1:]
    return surfaces - surfaces.mean(1, keepdim=True)
