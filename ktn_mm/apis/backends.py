"""What runs the network behind an inferencer."""
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..registration import require_openmmlab
from ..structures import PersonPose


class Backend(Protocol):
    """Cuts people out of images and estimates their dense pose.

    Whatever has these two methods can stand behind a :class:`DensePoseInferencer`.
    """

    def crop(self, image: np.ndarray, box: np.ndarray, score: float) -> Any:
        """Cut a person out of an image.

        Args:
            image: (H, W, 3) uint8 BGR.
            box: (4,) float32 x1, y1, x2, y2 inside the image.
            score: of the box, in [0, 1].

        Returns:
            Whatever :meth:`estimate` takes; it must not hold on to the image.
        """

    def estimate(self, crops: Sequence[Any]) -> list[PersonPose]:
        """Estimate the dense pose in crops, which may be of several images, in one batch."""


def _pytorch(model: str, checkpoint: str | None, device: str | None,
             flip_test: bool | None) -> Backend:
    from .model_zoo import find_model
    if Path(model).suffix == MODEL_SUFFIX:
        raise ValueError(f'{model}: backend pytorch takes a config, not an ONNX file')
    config, checkpoint = find_model(model, checkpoint)
    require_openmmlab()
    from .pytorch_backend import PytorchBackend
    return PytorchBackend(config, checkpoint, checked_device(device), flip_test)


def _onnxruntime(model: str, checkpoint: str | None, device: str | None,
                 flip_test: bool | None) -> Backend:
    if Path(model).suffix != MODEL_SUFFIX:
        raise ValueError(f'{model}: backend onnxruntime takes the {MODEL_SUFFIX} file that '
                         'tools/export_onnx.py writes')
    if checkpoint is not None:
        raise ValueError(f'{model} holds its weights; there is no use for the checkpoint '
                         f'{checkpoint}')
    from .onnxruntime_backend import OnnxruntimeBackend
    return OnnxruntimeBackend(model, device, flip_test)


BACKENDS: dict[str, Callable[[str, str | None, str | None, bool | None], Backend]] = {
    'pytorch': _pytorch, 'onnxruntime': _onnxruntime}
"""Name -> maker from model, checkpoint, device, flip test; see :class:`DensePoseInferencer`."""
MODEL_SUFFIX = '.onnx'
"""Of the models that run in onnxruntime unless another backend is asked for."""


def build_backend(name: str | None, model: str, checkpoint: str | None, device: str | None,
                  flip_test: bool | None = None) -> Backend:
    """Make a backend.

    Args:
        name: in :data:`BACKENDS`; None chooses by the model's suffix.
        model: as the backend takes it.
        checkpoint: its weights; None for the backend's own default.
        device: None for the backend's own choice.
        flip_test: average over the mirrored crop; None as the model says.

    Raises:
        ValueError: there is no backend of this name, or the model is not for it.
    """
    if name is None:
        name = 'onnxruntime' if Path(model).suffix == MODEL_SUFFIX else 'pytorch'
    if name not in BACKENDS:
        raise ValueError(f'backend must be one of {", ".join(BACKENDS)}, got {name!r}')
    return BACKENDS[name](model, checkpoint, device, flip_test)


def checked_device(device: str | None) -> str:
    """Return a device that torch can use; for None an accelerator if there is one, or the CPU.

    Raises:
        ValueError: torch knows no such device, or cannot use it here.
    """
    import torch
    from mmengine.device import get_device
    device = device or get_device()
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter where torch has no CUDA
        reason = str(error).splitlines()[0]
        raise ValueError(f'device {device!r} cannot be used: {reason}') from error
    return device
