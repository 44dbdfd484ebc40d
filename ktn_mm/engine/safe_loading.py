"""Load checkpoints without running code that somebody put into them."""
from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pickle import UnpicklingError
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SWITCH = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
"""Makes torch read weights only, whatever the caller asks for."""
MADE_BY = {'mobilenetv2_imagenet.pth': 'tools/convert_mobilenetv2.py'}
"""Weights that configs start from and that are made, not downloaded -> the tool for it."""


def guard_mmengine() -> None:
    """Let mmengine read tensors, arrays and its own history from checkpoints, nothing else.

    mmengine falls back to full unpickling when a file holds more, which runs whatever the file
    says. Everything that loads through mmengine is held to this from now on in this process:
    the Runner, mmpose's ``init_model``, mmdet's ``init_detector``, ``init_cfg`` of a model. A
    ``torch.load`` of somebody else is not.
    """
    from mmengine.runner.checkpoint import CheckpointLoader
    plain = CheckpointLoader.load_checkpoint.__func__
    if getattr(plain, 'weights_only', False):
        return

    @wraps(plain)
    def load_checkpoint(cls, filename, *args, **kwargs):
        with safely_loading(filename):
            return plain(cls, filename, *args, **kwargs)

    load_checkpoint.weights_only = True
    CheckpointLoader.load_checkpoint = classmethod(load_checkpoint)
    # mmengine's reader of files would say that it falls back before it is stopped.
    CheckpointLoader.register_scheme('', load_from_local, force=True)


def load_from_local(filename: str, map_location=None) -> dict:
    """Read a file, weights only, for mmengine.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    import torch
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise FileNotFoundError(f'{filename}: no such checkpoint{how_to_make(filename)}')
    return torch.load(path, map_location=map_location, weights_only=True)


def how_to_make(filename: str) -> str:
    """Return the end of a message that a file is missing: what makes it, '' if nothing does."""
    tool = MADE_BY.get(os.path.basename(filename))
    return f'; python {tool} {filename} makes it' if tool else ''


@contextmanager
def safely_loading(checkpoint: str) -> Iterator[None]:
    """Have torch read weights only inside of a block that loads a checkpoint.

    Args:
        checkpoint: its name, for messages.

    Raises:
        ValueError: if it holds more than weights, is damaged, or no checkpoint at all.
    """
    import torch
    before = os.environ.get(SWITCH)
    known = torch.serialization.get_safe_globals()
    os.environ[SWITCH] = '1'
    try:
        with torch.serialization.safe_globals([g for g in _admitted() if g not in known]):
            yield
    except (OSError, ValueError, ImportError):
        raise
    except Exception as error:  # readers of a file that is something else raise whatever
        # without its cause, since torch's text advises to read the file with weights_only=False
        raise ValueError(f'{checkpoint}: cannot be loaded: {_reason(error)}') from None
    finally:
        if before is None:
            del os.environ[SWITCH]
        else:
            os.environ[SWITCH] = before


def read_checkpoint(checkpoint: str) -> dict:
    """Read a checkpoint as it is, onto the CPU, and run nothing that is in it.

    Args:
        checkpoint: a file or an address, as mmengine knows them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds more than weights, or no dict.
    """
    from mmengine.runner.checkpoint import CheckpointLoader
    guard_mmengine()
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    if not isinstance(content, dict):
        raise ValueError(f'{checkpoint}: no dict of weights but a {type(content).__name__}')
    return content


def tensors_of(content: dict, checkpoint: str) -> dict[str, Tensor]:
    """Return parameter name -> tensor, of the ``state_dict`` or else of the file itself.

    Args:
        content: what :func:`read_checkpoint` returns.
        checkpoint: its name, for messages.

    Raises:
        ValueError: if there are none.
    """
    import torch
    state = content.get('state_dict', content)
    named = state.items() if isinstance(state, dict) else ()
    weights = {name: value for name, value in named if isinstance(value, torch.Tensor)}
    if not weights:
        raise ValueError(f'{checkpoint}: no tensors in it')
    return weights


def read_weights(checkpoint: str) -> dict[str, Tensor]:
    """Read the tensors of a model's checkpoint, on the CPU, and run nothing that is in it.

    Args, Raises: as of :func:`read_checkpoint` and :func:`tensors_of`.
    """
    return tensors_of(read_checkpoint(checkpoint), checkpoint)


def _admitted() -> list[Callable | tuple[Callable, str]]:
    """Return what a checkpoint may name beside tensors."""
    import numpy as np
    from mmengine.runner.checkpoint import get_torch_safe_globals
    # mmengine's own list lacks the types of some of the arrays that it writes.
    codes = np.typecodes['AllInteger'] + np.typecodes['Float'] + '?'
    types = sorted({type(np.dtype(c)) for c in codes}, key=repr)
    listed = get_torch_safe_globals()
    # Arrays written with numpy 1 and numpy 2 name the same functions differently.
    twins = [(f, f'numpy.{core}.multiarray.{f.__name__}') for f in listed
             if f.__name__ in ('_reconstruct', 'scalar') for core in ('core', '_core')]
    return [*listed, *types, *twins]


def _reason(error: Exception) -> str:
    text = str(error)
    name = re.search(r'GLOBAL (\S+) (?:was not an allowed|whose module)', text)
    if name:
        return f'it holds {name[1]}, which may run code; only tensors, arrays and numbers are read'
    if isinstance(error, UnpicklingError):
        return 'it is no checkpoint of weights alone, or damaged'
    return f'{type(error).__name__}: {text}'.strip().split('\n')[0]
