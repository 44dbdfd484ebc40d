"""Load checkpoints without running code that somebody put into them."""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SWITCH = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'


def load_weights_only() -> None:
    """Let torch read tensors, arrays and mmengine's history from checkpoints, nothing else.

    mmengine otherwise falls back to full unpickling, which runs whatever a file says. Holds for
    the rest of the process; a checkpoint with anything else in it raises an UnpicklingError.
    """
    import numpy as np
    import torch
    os.environ[SWITCH] = '1'
    # mmengine admits its own list, which lacks the types of some of the arrays it writes.
    codes = np.typecodes['AllInteger'] + np.typecodes['Float'] + '?'
    torch.serialization.add_safe_globals(sorted({type(np.dtype(c)) for c in codes}, key=repr))


@contextmanager
def safely_loading(checkpoint: str) -> Iterator[None]:
    """Do as :func:`load_weights_only` inside of a block that loads a checkpoint.

    Raises:
        ValueError: if it cannot be loaded; names it.
    """
    before = os.environ.get(SWITCH)
    load_weights_only()
    try:
        yield
    except (OSError, ValueError, ImportError):
        raise
    except Exception as error:  # readers of a file that is something else raise whatever
        reason = f'{type(error).__name__}: {error}'.strip().split('\n')[0]
        raise ValueError(f'{checkpoint}: cannot be loaded: {reason}') from error
    finally:
        if before is None:
            del os.environ[SWITCH]
        else:
            os.environ[SWITCH] = before


def read_weights(checkpoint: str) -> dict[str, Tensor]:
    """Read the tensors of a model's checkpoint, on the CPU, and run nothing that is in it.

    Args:
        checkpoint: a file or an address, as mmengine knows them.

    Returns:
        parameter name -> tensor; the ``state_dict`` of the file, or the file if it has none.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds more than weights, or none.
    """
    import torch
    from mmengine.runner.checkpoint import CheckpointLoader, get_torch_safe_globals
    # mmengine admits its list for files only, not for addresses
    with safely_loading(checkpoint), torch.serialization.safe_globals(get_torch_safe_globals()):
        content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    state = content.get('state_dict', content) if isinstance(content, dict) else {}
    weights = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    if not weights:
        raise ValueError(f'{checkpoint}: no tensors in it')
    return weights
