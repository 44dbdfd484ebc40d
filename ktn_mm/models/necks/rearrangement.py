"""Feature rearrangement: change a map's resolution without dropping a feature point."""
import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor


def space_to_depth(x: Tensor) -> Tensor:
    """Move every 2x2 block of a map into the channels.

    Args:
        x: (B, C, H, W), H and W even.

    Returns:
        (B, 4 C, H/2, W/2): four blocks of C channels, holding the points at even row and even
        column, even row and odd column, odd and even, odd and odd.

    Source: paper Fig. 4(b); the order of the blocks is the official code's.
    """
    return torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)


class FeatureAdjustment(BaseModule):
    """Halve a map's resolution without dropping a feature point.

    Samples the map at even and odd positions into four half-size maps, stacks them on the
    channel axis, and mixes them back to C channels.

    Source: paper Sec. III-B, Fig. 4(b); the mixing convolution is in the official code only.

    Args:
        channels: C, of the input and of the output.

    Shape: (B, C, H, W), H and W even -> (B, C, H/2, W/2).

    Raises:
        ValueError: if H or W is odd.
    """

    def __init__(self, channels: int, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.mix = ConvModule(4 * channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if not torch.jit.is_tracing() and (x.shape[-2] % 2 or x.shape[-1] % 2):
            raise ValueError('FeatureAdjustment needs an even height and width, '
                             f'got {tuple(x.shape[-2:])}')
        return self.mix(space_to_depth(x))


class InvertedFeatureAdjustment(BaseModule):
    """Double a map's resolution: predict the four maps that feature adjustment would stack.

    Source: paper Sec. III-B, Fig. 4(c); layers as in the official code, ReLU before the shuffle.

    Args:
        channels: C, of the input and of the output.

    Shape: (B, C, H, W) -> (B, C, 2 H, 2 W).
    """

    def __init__(self, channels: int, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.refine = ConvModule(channels, channels, 3, padding=1)
        self.expand = ConvModule(channels, 4 * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.expand(self.refine(x)), 2)


class BilinearLift(BaseModule):
    """Double a map's resolution the plain way: 3x3 convolution, ReLU, bilinear.

    Stands in for :class:`InvertedFeatureAdjustment` where rearrangement is ablated.

    Source: the decoder of Panoptic FPN, which is MIDv1's in the official code.

    Args:
        channels: C, of the input and of the output.

    Shape: (B, C, H, W) -> (B, C, 2 H, 2 W).
    """

    def __init__(self, channels: int, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.refine = ConvModule(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.refine(x), scale_factor=2, mode='bilinear',
                             align_corners=False)
