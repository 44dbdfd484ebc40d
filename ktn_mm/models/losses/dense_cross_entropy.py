"""Cross entropy over the cells of a grid."""
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class DenseCrossEntropy(nn.Module):
    """Classify every annotated cell of a grid.

    The loss is the mean over the annotated cells of the whole batch, and exactly 0, but still
    connected to the logits, where there are none.

    Source: paper Sec. III-B (instance strengthening); the official code's body-mask and part
    losses.

    Args:
        loss_weight: Defaults to 1.
        ignore_index: label of cells without annotation. Defaults to 255.
    """

    def __init__(self, loss_weight: float = 1., ignore_index: int = 255) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted loss, a scalar.

        Args:
            logits: (B, n, H, W).
            labels: (B, H, W) int64, 0..n-1 or ``ignore_index``.
        """
        total = F.cross_entropy(logits, labels, ignore_index=self.ignore_index, reduction='sum')
        count = (labels != self.ignore_index).sum().clamp(min=1)
        return self.loss_weight * total / count
