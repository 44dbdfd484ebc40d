"""What runs the network behind an inferencer."""
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

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


def _pytorch(config: str, checkpoint: str, device: str) -> Backend:
    from .pytorch_backend import PytorchBackend
    return PytorchBackend(config, checkpoint, device)


BACKENDS: dict[str, Callable[[str, str, str], Backend]] = {'pytorch': _pytorch}
"""Name -> maker from config, checkpoint and device."""


def build_backend(name: str, config: str, checkpoint: str, device: str) -> Backend:
    """Make a backend by its name.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in BACKENDS:
        raise ValueError(f'backend must be one of {", ".join(BACKENDS)}, got {name!r}')
    return BACKENDS[name](config, checkpoint, device)
