"""Write the weights of a model for others to use."""
from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ktn_mm.cache import whole_or_nothing

if TYPE_CHECKING:
    from torch import Tensor

def write_weights(path: str | Path, state: Mapping[str, Tensor],
                  meta: Mapping[str, Any] | None = None, *, half: bool = False) -> str:
    """Write a file that holds tensors and plain values only, and return its SHA-256.

    ``torch.load`` reads it with ``weights_only=True``, mmengine as any checkpoint: weights of half
    precision become what the model's own are.

    Args:
        path: file to write; its folder is made if missing.
        state: parameter name -> tensor, on any device.
        meta: what to say about the weights: numbers, text, lists of text, and dicts of these.
        half: store floating point tensors in half precision.

    Raises:
        ValueError: if a weight is not finite, or too large for half precision.
        TypeError: if a value of ``meta`` is not plain.
    """
    import torch
    for key, value in (meta or {}).items():
        _check_plain(key, value)
    stored = {}
    for name, tensor in state.items():
        # A clone, or a view would be stored with all of the tensor that it looks at.
        tensor = tensor.detach().cpu().clone()
        if tensor.is_floating_point():
            tensor = tensor.half() if half else tensor
            if not tensor.isfinite().all():
                raise ValueError(f'{name}: not finite' + (' in half precision' if half else ''))
        stored[name] = tensor
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_or_nothing(path) as file:
        torch.save(dict(state_dict=stored, meta=dict(meta or {})), file)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plain_meta(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint of mmengine tells that others need: classes, epoch, iterations.

    Its config, paths, seeds and versions are left out.
    """
    meta = checkpoint.get('meta') or {}
    told = {key: int(meta[key]) for key in ('epoch', 'iter') if key in meta}
    classes = (meta.get('dataset_meta') or {}).get('classes')
    if classes:
        # Where mmdet's init_detector looks for them.
        told['dataset_meta'] = dict(classes=[str(name) for name in classes])
    return told


def _check_plain(key: str, value: Any) -> None:
    if isinstance(value, dict):
        for inner, content in value.items():
            _check_plain(f'{key}.{inner}', content)
    elif isinstance(value, list):
        for content in value:
            _check_plain(key, content)
    elif not isinstance(value, str | int | float):
        raise TypeError(f'meta {key}: {type(value).__name__} is neither text, number, list nor '
                        'dict')
