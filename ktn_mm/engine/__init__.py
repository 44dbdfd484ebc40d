"""What surrounds a run: the progress bar. Importing it registers the hook with mmpose."""
from .progress_hook import ProgressBarHook

__all__ = ['ProgressBarHook']
