"""Instance strengthening (IS): tell the target person from the others in a crop."""
from torch import Tensor, nn


class InstanceStrengthening(nn.Conv2d):
    """Predict the target person's mask from features, which its loss thereby strengthens.

    The head supervises the mask with cross entropy. Without the gate the features pass through
    untouched, so that at inference they are those of a neck without it.

    Source: paper Sec. III-B, Table II. ``gate`` is ours: the paper says that features of others
    are suppressed, but neither it nor the official code multiplies by the mask.

    Args:
        channels: C, of the features.
        gate: Multiply the features by the predicted probability of the target person.

    Shape: (B, C, H, W) -> (B, C, H, W), (B, 2, H, W) logits, the target person in channel 1.
    """

    def __init__(self, channels: int, *, gate: bool = False) -> None:
        super().__init__(channels, 2, 1)
        self.gate = gate

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        logits = super().forward(features)
        if self.gate:
            features = features * logits.softmax(1)[:, 1:]
        return features, logits


def build_instance_strengthening(channels: int, enabled: bool, *, gate: bool
                                 ) -> InstanceStrengthening | None:
    """Build what a neck's ``instance_strengthening`` and ``gate`` ask for.

    Raises:
        ValueError: if the gate is wanted without the mask that opens it.
    """
    if gate and not enabled:
        raise ValueError('gate=True needs instance_strengthening=True: it is the predicted '
                         'mask that opens the gate')
    return InstanceStrengthening(channels, gate=gate) if enabled else None
