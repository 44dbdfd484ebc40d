"""The decoder of SimpleBaseline, for the rows without MID."""
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class DeconvDecoder(BaseModule):
    """Bring a backbone's last level to stride 4 by deconvolutions.

    Its parameters bear the names and shapes of the deconvolutions in mmpose's heat-map head, so
    that a SimpleBaseline checkpoint of COCO keypoints can initialise it.

    Source: Xiao et al., Simple Baselines for Human Pose Estimation and Tracking, ECCV 2018;
    paper Table IX, rows without MID.

    Args:
        in_channels: of the last level. Defaults to 2048.
        channels: of every deconvolution. Defaults to 256.
        num_layers: deconvolutions, each doubles the resolution. Defaults to 3.

    Shape: tuple of levels, the last (B, in_channels, H, W) ->
        ((B, channels, 2^num_layers H, 2^num_layers W),).
    """

    def __init__(self, in_channels: int = 2048, channels: int = 256, num_layers: int = 3,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg or [
            dict(type='Normal', layer='ConvTranspose2d', std=0.001),
            dict(type='Constant', layer='BatchNorm2d', val=1)])
        if num_layers < 1:
            raise ValueError(f'num_layers must be at least 1, got {num_layers}')
        layers: list[nn.Module] = []
        for i in range(num_layers):
            layers += [
                nn.ConvTranspose2d(channels if i else in_channels, channels, 4, stride=2,
                                   padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True)]
        self.deconv_layers = nn.Sequential(*layers)

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (self.deconv_layers(feats[-1]), )
