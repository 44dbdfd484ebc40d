"""Regression of a chart coordinate at annotated points."""
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class PointSmoothL1(nn.Module):
    """Regress U or V of every annotated point with smooth L1.

    The loss is the mean over the batch's points, and exactly 0, but still connected to the
    prediction, where there are none. The official code sums over the points and multiplies by
    0.01 instead, so that its weight depends on how many points a batch happens to hold.

    Args:
        loss_weight: Defaults to 10.
        beta: error below which the loss is quadratic. Defaults to 1.
    """

    def __init__(self, loss_weight: float = 10., beta: float = 1.) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.beta = beta

    def forward(self, values: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
        """Return the weighted loss, a scalar.

        Args:
            values: (P,) predicted coordinates.
            targets: (P,) annotated coordinates in [0, 1].
            valid: (P,) bool, which points count.
        """
        each = F.smooth_l1_loss(values, targets, beta=self.beta, reduction='none')
        return self.loss_weight * (each * valid).sum() / valid.sum().clamp(min=1)
