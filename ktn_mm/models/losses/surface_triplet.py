"""Hard triplets of point features."""
import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class SurfaceTriplet(nn.Module):
    """Pull features of one surface together and push those of others apart.

    For every point the farthest point of its surface and the nearest point of another are
    sought in the batch (online hard mining); the loss is the mean over the points that have
    both. It is exactly 0, but still connected to the features, where there are none.

    Source: paper Table VII, the rival 'OHEM triplet'; the details are ours.

    Args:
        loss_weight: Defaults to 1.
        margin: between the two distances of unit features, 0 to 2. Defaults to 0.3.
        max_points: points that are compared; more are thinned at random. Defaults to 1024.
    """

    def __init__(self, loss_weight: float = 1., margin: float = 0.3,
                 max_points: int = 1024) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.margin = margin
        self.max_points = max_points

    def forward(self, features: Tensor, surfaces: Tensor) -> Tensor:
        """Return the weighted loss, a scalar.

        Args:
            features: (P, C).
            surfaces: (P,) int64, 1..24, 0 where there is no point.
        """
        chosen = torch.nonzero(surfaces).flatten()
        if len(chosen) > self.max_points:
            chosen = chosen[torch.randperm(len(chosen), device=chosen.device)[:self.max_points]]
        if len(chosen) < 2:
            return features.sum() * 0
        label = surfaces[chosen]
        unit = F.normalize(features[chosen], dim=1)
        distance = (2 - 2 * unit @ unit.T).clamp(min=1e-12).sqrt()
        same = label[:, None] == label
        alike = same & ~torch.eye(len(label), dtype=torch.bool, device=label.device)
        farthest = distance.masked_fill(~alike, -1.).amax(1)
        nearest = distance.masked_fill(same, 3.).amin(1)
        valid = alike.any(1) & ~same.all(1)
        each = F.relu(farthest - nearest + self.margin)
        return self.loss_weight * (each * valid).sum() / valid.sum().clamp(min=1)
