"""Several receptive fields side by side."""
from collections.abc import Sequence
from math import gcd

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn


def group_norm(channels: int, groups: int = 32) -> dict:
    """Return the config of a GroupNorm with at most that many groups that divide the channels."""
    return dict(type='GN', num_groups=gcd(groups, channels))


class Trident(BaseModule):
    """See each point through a 1x1 and several dilated 3x3 convolutions, and join what they see.

    The branches do not share weights; each has GroupNorm and ReLU.

    Source: paper Sec. III-B, Table III; the 1x1 branch and the norm are the official code's.

    Args:
        channels: C, of the input, of every branch and of the output.
        dilations: of the 3x3 branches.

    Shape: (B, C, H, W) -> (B, C, H, W).

    Raises:
        ValueError: if there is no dilation or one is not positive.
    """

    def __init__(self, channels: int, dilations: Sequence[int] = (1, 2, 3),
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg or dict(
            type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu',
            override=dict(type='Xavier', name='join')))
        if (not isinstance(dilations, Sequence) or not dilations
                or not all(isinstance(d, int) and d > 0 for d in dilations)):
            raise ValueError('dilations must be a list of positive whole numbers, '
                             f'got {dilations!r}')
        norm = group_norm(channels)
        self.branches = nn.ModuleList([ConvModule(channels, channels, 1, norm_cfg=norm)])
        self.branches.extend(
            ConvModule(channels, channels, 3, padding=d, dilation=d, norm_cfg=norm)
            for d in dilations)
        self.join = nn.Conv2d(channels * len(self.branches), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat([branch(x) for branch in self.branches], 1))
