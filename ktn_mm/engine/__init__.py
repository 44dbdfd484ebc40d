"""What surrounds a run: bar, seeds, a gauge. Importing it registers the hooks with mmpose."""
from .epoch_seed_hook import EpochSeedHook
from .kernel_step_hook import KernelStepHook
from .progress_hook import ProgressBarHook

__all__ = ['EpochSeedHook', 'KernelStepHook', 'ProgressBarHook']
