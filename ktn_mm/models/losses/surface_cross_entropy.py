"""Cross entropy over the surfaces at annotated points."""
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor, nn

from ktn_mm.surface.charts import NUM_SURFACES


@MODELS.register_module()
class SurfaceCrossEntropy(nn.Module):
    """Classify the surface of every annotated point.

    The loss is the mean over the batch's points, and exactly 0, but still connected to the
    logits, where there are none. Background is a class that no point belongs to: it only takes
    probability away.

    Source: the official code's loss of I; Table VII for the two rivals of KTM, ``reweight`` and
    ``resample``.

    Args:
        loss_weight: Defaults to 1.
        reweight: None; ``'batch'`` weighs each point by the inverse frequency of its surface in
            the batch; 24 numbers are fixed weights of the surfaces. Defaults to None.
        resample: Draw as many points as there is room for, padding included, with replacement,
            every surface that occurs being equally likely. Defaults to False.

    Raises:
        ValueError: if reweight is none of these.
    """

    def __init__(self, loss_weight: float = 1., *,
                 reweight: str | Sequence[float] | None = None,
                 resample: bool = False) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.resample = resample
        self.batch_weights = reweight == 'batch'
        weights = [1.] * NUM_SURFACES
        if reweight is not None and not self.batch_weights:
            if (isinstance(reweight, str) or not isinstance(reweight, Sequence)
                    or len(reweight) != NUM_SURFACES
                    or not all(0 <= weight < math.inf for weight in reweight)):
                raise ValueError(f"reweight must be None, 'batch' or {NUM_SURFACES} numbers "
                                 f'from 0 up, all finite, got {reweight!r}')
            weights = list(reweight)
        self.register_buffer('weights', torch.tensor([0., *weights]), persistent=False)

    def forward(self, logits: Tensor, surfaces: Tensor) -> Tensor:
        """Return the weighted loss, a scalar.

        Args:
            logits: (P, 25).
            surfaces: (P,) int64, 1..24, 0 where there is no point.
        """
        weights = self.weights[surfaces]
        if self.batch_weights or self.resample:
            counts = torch.bincount(surfaces, minlength=NUM_SURFACES + 1)
            inverse = (surfaces > 0) / counts[surfaces]
            if self.batch_weights:
                weights = inverse
            if self.resample:
                # the added trifle only matters, and then draws padding, where no point exists
                chosen = torch.multinomial(inverse + 1e-12, len(surfaces), replacement=True)
                logits, surfaces, weights = logits[chosen], surfaces[chosen], weights[chosen]
        each = F.cross_entropy(logits, surfaces, reduction='none')
        total = weights.sum()
        return self.loss_weight * (each * weights).sum() / torch.where(total > 0, total, 1.)
