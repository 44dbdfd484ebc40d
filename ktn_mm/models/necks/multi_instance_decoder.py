"""The multi-instance decoder (MID)."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from .instance_strengthening import build_instance_strengthening
from .rearrangement import BilinearLift, FeatureAdjustment, InvertedFeatureAdjustment
from .trident import Trident


@MODELS.register_module()
class MultiInstanceDecoder(BaseModule):
    """Turn a backbone's four levels into one map at stride 4 that knows the target person.

    Laterals bring every level to C channels. Feature adjustment (FA) carries detail from each
    level to the next coarser one, inverted feature adjustment (IFA) carries context back, a
    trident of dilations joins several receptive fields, and instance strengthening (IS) predicts
    the target person's mask, which the head supervises.

    Legend: B crops, C channels, H x W the map at stride 4.

    Source: paper Sec. III-B, Fig. 4, Tables I-III; layers as in the official code where the paper
    is silent.

    Args:
        in_channels: of the four levels, finest first. Defaults to ResNet-50's.
        channels: C. Defaults to 256.
        version: 2, or 1 for the decoder of the conference version: no rearrangement, no
            trident. Defaults to 2.
        fusion: ``'sum'``: every level climbs to stride 4 on its own and all are added (official
            code); ``'hierarchical'``: a level is refined by the one above before it climbs on,
            and all refined levels are concatenated (paper). Defaults to ``'sum'``.
        rearrange: False replaces FA and IFA by plain bilinear upsampling (Table II, without FR).
            Defaults to True; version 1 never rearranges.
        top_down: Add FPN's top-down path after the laterals. Defaults to False.
        dilations: Of the trident's 3x3 branches (Table III). Defaults to (1, 2, 3).
        instance_strengthening: Predict the target person's mask. Defaults to True.
        gate: Multiply the features by the predicted probability of the target person. Defaults
            to False.

    Raises:
        ValueError: if an argument is none of the above, the levels' channels or strides are
            others, or the sides of the crop are not multiples of 32.
    """

    def __init__(self,
                 in_channels: Sequence[int] = (256, 512, 1024, 2048),
                 channels: int = 256,
                 *,
                 version: int = 2,
                 fusion: str = 'sum',
                 rearrange: bool = True,
                 top_down: bool = False,
                 dilations: Sequence[int] = (1, 2, 3),
                 instance_strengthening: bool = True,
                 gate: bool = False,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg or _initialisation(instance_strengthening))
        if version not in (1, 2):
            raise ValueError(f'version must be 1 or 2, got {version!r}')
        if fusion not in ('sum', 'hierarchical'):
            raise ValueError(f"fusion must be 'sum' or 'hierarchical', got {fusion!r}")
        if not isinstance(in_channels, Sequence) or len(in_channels) != 4:
            raise ValueError('in_channels must name four levels, strides 4, 8, 16, 32, got '
                             f'{in_channels!r}')
        if min(*in_channels, channels) < 1:
            raise ValueError('in_channels and channels must be positive, got '
                             f'{tuple(in_channels)} and {channels}')
        self.in_channels = tuple(in_channels)
        self.channels = channels
        self.fusion = fusion
        self.top_down = top_down
        rearrange = rearrange and version == 2

        self.laterals = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in in_channels)
        self.adjust = nn.ModuleList(
            FeatureAdjustment(channels) for _ in range(3 if rearrange else 0))
        lift = InvertedFeatureAdjustment if rearrange else BilinearLift
        steps = (0, 1, 2, 3) if fusion == 'sum' else (0, 1, 1, 1)
        self.climb = nn.ModuleList(
            nn.Sequential(*(lift(channels) for _ in range(n)))
            if n else ConvModule(channels, channels, 3, padding=1) for n in steps)
        self.join = nn.Conv2d(channels * (1 if fusion == 'sum' else 4), channels, 1) \
            if fusion == 'hierarchical' or version == 1 else nn.Identity()
        self.trident = Trident(channels, dilations) if version == 2 else nn.Identity()
        self.instance = build_instance_strengthening(channels, instance_strengthening, gate=gate)

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Decode the levels.

        Args:
            feats: four maps (B, C_i, H / 2^i, W / 2^i).

        Returns:
            (features,) or (features, instance logits): (B, C, H, W), and (B, 2, H, W) with the
            target person's in channel 1.
        """
        self._check(feats)
        levels = [lateral(x) for lateral, x in zip(self.laterals, feats, strict=True)]
        if self.top_down:
            for i in (2, 1, 0):
                levels[i] = levels[i] + F.interpolate(levels[i + 1], scale_factor=2,
                                                      mode='nearest')
        for i, adjust in enumerate(self.adjust):
            levels[i + 1] = levels[i + 1] + adjust(levels[i])
        features = self.trident(self._fuse(levels))
        return (features, ) if self.instance is None else self.instance(features)

    def _fuse(self, levels: list[Tensor]) -> Tensor:
        if self.fusion == 'sum':
            return self.join(sum(climb(x) for climb, x in zip(self.climb, levels, strict=True)))
        refined = [levels[3]]
        for i in (2, 1, 0):
            refined.insert(0, levels[i] + self.climb[i + 1](refined[0]))
        finest = self.climb[0](refined[0])
        return self.join(torch.cat([finest, *(
            F.interpolate(x, scale_factor=2**i, mode='bilinear', align_corners=False)
            for i, x in enumerate(refined[1:], 1))], 1))

    def _check(self, feats: tuple[Tensor, ...]) -> None:
        if torch.jit.is_tracing():
            return
        shapes = [tuple(x.shape[1:]) for x in feats]
        if tuple(s[0] for s in shapes) != self.in_channels:
            raise ValueError(
                f'MultiInstanceDecoder was built for levels of {self.in_channels} channels, got '
                f'{tuple(s[0] for s in shapes)}: set in_channels, and let the backbone return '
                'all four levels (out_indices=(0, 1, 2, 3), or multiscale_output=True)')
        sizes = [s[1:] for s in shapes]
        if any(fine != (2 * coarse[0], 2 * coarse[1])
               for fine, coarse in zip(sizes, sizes[1:], strict=False)):
            raise ValueError(_what_is_wrong_with(sizes))


def _what_is_wrong_with(sizes: list[tuple[int, int]]) -> str:
    """Tell crops that do not fit from backbones whose strides do not."""
    rounded = all(fine[axis] in (2 * coarse[axis], 2 * coarse[axis] - 1)
                  for fine, coarse in zip(sizes, sizes[1:], strict=False) for axis in (0, 1))
    if rounded:
        return ('MultiInstanceDecoder needs crops whose height and width are multiples of 32; '
                f'the levels came as {sizes} (height, width), so the crop is about '
                f'{4 * sizes[0][0]} high and {4 * sizes[0][1]} wide')
    return ('MultiInstanceDecoder needs levels of strides 4, 8, 16, 32, each half as high and '
            f'wide as the one before; they came as {sizes} (height, width): look at the strides, '
            'dilations and out_indices of the backbone')


def _initialisation(instance_strengthening: bool) -> list[dict]:
    """Return Kaiming for what has a ReLU, and what keeps the scale for what has none.

    With fan_out, laterals of 2048 channels would multiply the variance by 16, and two logits
    would start at random, but certain.
    """
    special = [dict(type='Xavier', name='laterals'), dict(type='Xavier', name='join')]
    if instance_strengthening:
        special.append(dict(type='Normal', std=0.01, name='instance'))
    return [dict(type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu',
                 override=special),
            dict(type='Constant', layer='GroupNorm', val=1)]
