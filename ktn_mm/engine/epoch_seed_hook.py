"""A seed for every epoch."""
from mmengine.hooks import Hook
from mmengine.runner import set_random_seed
from mmpose.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python, numpy and torch anew before every epoch, with the run's seed and the epoch.

    A run that was killed and resumed at its last checkpoint then draws the same augmentation as
    one that never stopped, and ends at the same weights where arithmetic is reproducible (on a
    CPU: with the same number of threads). Does not reach worker processes, which mmengine seeds
    the same way whenever they start: use ``num_workers=0``.
    """

    def before_train_epoch(self, runner) -> None:
        # Far apart, so that no epoch of a small seed is an epoch of another.
        set_random_seed((runner.seed * 10_000 + runner.epoch) % 2**32)  # what numpy takes
