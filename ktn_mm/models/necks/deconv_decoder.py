"""The decoder of SimpleBaseline, for the rows without MID."""
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from .instance_strengthening import build_instance_strengthening


@MODELS.register_module()
class DeconvDecoder(BaseModule):
    """Bring a backbone's last level to stride 4 by deconvolutions.

    Its parameters bear the names and shapes of the deconvolutions in mmpose's heat-map head, so
    that a SimpleBaseline checkpoint of COCO keypoints can initialise it; see
    :class:`~ktn_mm.models.KeypointPretrained`.

    Source: Xiao et al., Simple Baselines for Human Pose Estimation and Tracking, ECCV 2018;
    paper Table IX, rows without MID, and Table II, the row of instance strengthening alone.

    Args:
        in_channels: of the last level. Defaults to 2048.
        channels: of every deconvolution. Defaults to 256.
        num_layers: deconvolutions, each doubles the resolution. Defaults to 3.
        instance_strengthening: Predict the target person's mask. Defaults to False.
        gate: Multiply the features by the predicted probability of the target person. Defaults
            to False.

    Shape: tuple of levels, the last (B, in_channels, H, W) ->
        ((B, channels, 2^num_layers H, 2^num_layers W),), and with instance strengthening also
        (B, 2, 2^num_layers H, 2^num_layers W) logits, the target person in channel 1.

    Raises:
        ValueError: if an argument does not make sense or the last level has other channels.
    """

    def __init__(self, in_channels: int = 2048, channels: int = 256, num_layers: int = 3, *,
                 instance_strengthening: bool = False, gate: bool = False,
                 init_cfg: dict | None = None) -> None:
        special = [dict(type='Normal', std=0.01, name='instance')]
        super().__init__(init_cfg or [
            dict(type='Normal', layer='ConvTranspose2d', std=0.001,
                 override=special if instance_strengthening else None),
            dict(type='Constant', layer='BatchNorm2d', val=1)])
        for name, value in dict(in_channels=in_channels, channels=channels,
                                num_layers=num_layers).items():
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        self.in_channels = in_channels
        layers: list[nn.Module] = []
        for i in range(num_layers):
            layers += [
                nn.ConvTranspose2d(channels if i else in_channels, channels, 4, stride=2,
                                   padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True)]
        self.deconv_layers = nn.Sequential(*layers)
        self.instance = build_instance_strengthening(channels, instance_strengthening, gate=gate)

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if feats[-1].shape[1] != self.in_channels:
            raise ValueError(f'DeconvDecoder was built for a last level of {self.in_channels} '
                             f'channels, got {feats[-1].shape[1]}: set in_channels')
        features = self.deconv_layers(feats[-1])
        return (features, ) if self.instance is None else self.instance(features)
