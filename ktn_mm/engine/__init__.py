"""What surrounds a run: the progress bar, seeds. Importing it registers the hooks with mmpose."""
from .epoch_seed_hook import EpochSeedHook
from .progress_hook import ProgressBarHook

__all__ = ['EpochSeedHook', 'ProgressBarHook']
