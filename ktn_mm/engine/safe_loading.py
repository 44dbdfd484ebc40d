"""Load checkpoints without running code that somebody put into them."""
import os


def load_weights_only() -> None:
    """Let torch read tensors, arrays and mmengine's history from checkpoints, nothing else.

    mmengine otherwise falls back to full unpickling, which runs whatever a file says. Holds for
    the rest of the process; a checkpoint with anything else in it raises an UnpicklingError.
    """
    import numpy as np
    import torch
    os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = '1'
    # mmengine admits its own list, which lacks the types of some of the arrays it writes.
    codes = np.typecodes['AllInteger'] + np.typecodes['Float'] + '?'
    torch.serialization.add_safe_globals(sorted({type(np.dtype(c)) for c in codes}, key=repr))
