"""The head: six predictors on one map, one of them made by KTM."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.structures import InstanceData
from mmpose.models.heads import BaseHead
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import Tensor, nn

from ktn_mm.models.losses import inside_crop, read_at_points
from ktn_mm.models.necks.trident import group_norm
from ktn_mm.surface.charts import KEYPOINT_TWIN, NUM_KEYPOINTS, NUM_PARTS, NUM_SURFACES
from ktn_mm.surface.template import SurfaceTemplate

from .decoding import DenseMaps, decode_dense, mirror_table

OUTPUTS = dict(mask=2, parts=NUM_PARTS + 1, keypoints=NUM_KEYPOINTS, surfaces=NUM_SURFACES + 1,
               u=NUM_SURFACES + 1, v=NUM_SURFACES + 1)
"""Predictor -> channels, in the order of the head's output."""


@MODELS.register_module()
class DensePoseHead(BaseHead):
    """Predict body mask, parts, keypoints, surfaces and chart coordinates of one person.

    Every predictor is a deconvolution (kernel 4, stride 2) on the same map. With a knowledge
    transfer machine the surfaces have no predictor of their own: KTM makes its kernel from the
    live kernels of the others.

    Legend: B crops, C channels, H x W output grid, P points, h x w crop.

    Losses, every one a mean over the batch's annotated elements (of ``loss_keypoint`` as in
    mmpose over all elements, those of unlabelled keypoints being 0) and exactly 0 without any:
    ``loss_mask``, ``loss_part``, ``loss_keypoint``, ``loss_surface``, ``loss_u``, ``loss_v``,
    with MID's instance logits ``loss_instance``, if configured ``loss_triplet``; and the metric
    ``acc_surface``, the share of points whose surface is right.

    Source: paper Sec. III-C and Fig. 5; predictors and losses as in the official code, keypoints
    as in mmpose.

    Args:
        in_channels: of the map that the neck gives. Defaults to 256.
        channels: C of the convolutions; None keeps in_channels. Defaults to None.
        num_convs: 3x3 convolutions with GroupNorm and ReLU before the predictors. Defaults to 0.
        ktm: Config of :class:`KnowledgeTransferMachine`, ``type`` and ``channels`` may be left
            out; None gives the surfaces a predictor of their own. Defaults to None.
        loss_mask: Config of the body mask's loss. Defaults to DenseCrossEntropy x 5.
        loss_part: of the parts'. Defaults to DenseCrossEntropy x 2.
        loss_keypoint: of the heat maps'. Defaults to KeypointMSELoss x 1000.
        loss_surface: of the surfaces'. Defaults to SurfaceCrossEntropy x 1.
        loss_uv: of U and of V. Defaults to PointSmoothL1 x 10.
        loss_instance: of MID's instance logits. Defaults to DenseCrossEntropy x 1.
        loss_triplet: of the point features, such as SurfaceTriplet; None for none, which is the
            default.
        decoder: Config of the codec, which decodes the keypoints.
        template: The body whose mirror the flip test uses: a file, or an object with
            ``mirror``; the open body by default.
        foreground_threshold: of the person's probability. Defaults to 0.3.

    Raises:
        ValueError: if num_convs or the threshold is out of range, or channels differ from
            in_channels without a convolution.
    """

    _version = 2

    def __init__(self,
                 in_channels: int = 256,
                 channels: int | None = None,
                 num_convs: int = 0,
                 *,
                 ktm: dict | None = None,
                 loss_mask: dict | None = None,
                 loss_part: dict | None = None,
                 loss_keypoint: dict | None = None,
                 loss_surface: dict | None = None,
                 loss_uv: dict | None = None,
                 loss_instance: dict | None = None,
                 loss_triplet: dict | None = None,
                 decoder: dict | None = None,
                 template: str | SurfaceTemplate | None = None,
                 foreground_threshold: float = 0.3,
                 init_cfg: dict | Sequence[dict] | None = None) -> None:
        super().__init__(init_cfg or [
            dict(type='Kaiming', layer=['Conv2d', 'ConvTranspose2d'], mode='fan_out',
                 nonlinearity='relu'),
            dict(type='Constant', layer='GroupNorm', val=1)])
        self._default_init = init_cfg is None
        if num_convs < 0:
            raise ValueError(f'num_convs must not be negative, got {num_convs}')
        channels = channels or in_channels
        if num_convs == 0 and channels != in_channels:
            raise ValueError(f'channels={channels} differ from in_channels={in_channels}, but '
                             'num_convs=0 leaves nothing to change them')
        if not 0 <= foreground_threshold < 1:
            raise ValueError(f'foreground_threshold must be in [0, 1), got {foreground_threshold}')
        self.in_channels = in_channels
        self.foreground_threshold = foreground_threshold
        self.template = template
        self._mirror_table: Tensor | None = None

        self.convs = nn.Sequential(*(
            ConvModule(channels if i else in_channels, channels, 3, padding=1,
                       norm_cfg=group_norm(channels)) for i in range(num_convs)))
        self.predictors = nn.ModuleDict({
            name: nn.ConvTranspose2d(channels, n, 4, stride=2, padding=1)
            for name, n in OUTPUTS.items() if name != 'surfaces' or ktm is None})
        self.ktm = None if ktm is None else MODELS.build(
            dict(type='KnowledgeTransferMachine', channels=channels) | dict(ktm))

        self.loss_mask = _build_loss(loss_mask, 'DenseCrossEntropy', loss_weight=5.)
        self.loss_part = _build_loss(loss_part, 'DenseCrossEntropy', loss_weight=2.)
        self.loss_keypoint = _build_loss(loss_keypoint, 'KeypointMSELoss', loss_weight=1000.,
                                         use_target_weight=True)
        self.loss_surface = _build_loss(loss_surface, 'SurfaceCrossEntropy', loss_weight=1.)
        self.loss_uv = _build_loss(loss_uv, 'PointSmoothL1', loss_weight=10.)
        self.loss_instance = _build_loss(loss_instance, 'DenseCrossEntropy', loss_weight=1.)
        self.loss_triplet = loss_triplet and MODELS.build(loss_triplet)
        self.decoder = None if decoder is None else KEYPOINT_CODECS.build(decoder)

    def init_weights(self) -> None:
        """Start heat maps near 0, U and V near the middle of their range.

        With fan_out alone the heat maps' first error is a hundred times what it soon is, and
        Adam remembers it for a thousand steps.
        """
        super().init_weights()
        if not self._default_init:
            return
        for name, value in (('keypoints', 0.), ('u', 0.5), ('v', 0.5)):
            nn.init.normal_(self.predictors[name].weight, std=0.001)
            nn.init.constant_(self.predictors[name].bias, value)

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Predict all maps.

        Args:
            feats: (features,) or (features, instance logits): (B, in_channels, H/2, W/2),
                (B, 2, H/2, W/2).

        Returns:
            Logits of mask (B, 2, H, W) and parts (B, 15, H, W), heat maps of keypoints
            (B, 17, H, W), logits of surfaces (B, 25, H, W), values of u and v (B, 25, H, W); at
            the end the instance logits, if the neck gives any.
        """
        return *self._predict_maps(self._features(feats)), *_instance_logits(feats)

    def _features(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return what the predictors read."""
        if not torch.jit.is_tracing() and feats[0].shape[1] != self.in_channels:
            raise ValueError(
                f'DensePoseHead was built with in_channels={self.in_channels}, got features of '
                f'shape {tuple(feats[0].shape)}: set in_channels to what the neck gives')
        return self.convs(feats[0])

    def _predict_maps(self, features: Tensor) -> tuple[Tensor, ...]:
        """Run all predictors as one deconvolution, which reads the features only once."""
        kernels = {name: p.weight for name, p in self.predictors.items()}
        biases = {name: p.bias for name, p in self.predictors.items()}
        if self.ktm is not None:
            kernels['surfaces'] = self.ktm(kernels['keypoints'], kernels['parts'],
                                           kernels['mask'])
            biases['surfaces'] = torch.zeros_like(biases['u'])
        maps = F.conv_transpose2d(
            features, torch.cat([kernels[name] for name in OUTPUTS], 1),
            torch.cat([biases[name] for name in OUTPUTS]), stride=2, padding=1)
        return maps.split(list(OUTPUTS.values()), 1)

    def source_kernels(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the kernels that KTM makes that of the surfaces of: keypoints', parts', mask's,
        each (C, classes, 4, 4)."""
        return tuple(self.predictors[name].weight for name in ('keypoints', 'parts', 'mask'))

    def surface_kernel(self) -> Tensor:
        """Return the kernel (C, 25, 4, 4) of the surfaces: their own, or what KTM makes now."""
        if self.ktm is None:
            return self.predictors['surfaces'].weight
        return self.ktm.make_kernel(*self.source_kernels())

    def fold(self) -> 'DensePoseHead':
        """Bake the surface predictor that KTM makes into an ordinary deconvolution, for good.

        The head is then the same as one that was built with ``ktm=None``, and so is its
        checkpoint; KTM costs nothing at inference.

        Returns:
            The head itself. Nothing happens if there is no KTM.
        """
        if self.ktm is None:
            return self
        with torch.no_grad():
            kernel = self.surface_kernel()
            deconv = nn.ConvTranspose2d(kernel.shape[0], kernel.shape[1], 4, stride=2,
                                        padding=1).to(kernel)
            deconv.weight.copy_(kernel)
            deconv.bias.zero_()
        self.predictors['surfaces'] = deconv.train(self.training)
        self.ktm = None
        return self

    def loss(self, feats: tuple[Tensor, ...], batch_data_samples: list,
             train_cfg: dict | None = None) -> dict[str, Tensor]:
        """Compute all losses; see the class.

        Args:
            feats: of the neck.
            batch_data_samples: B samples with DensePoseCodec's targets in ``gt_fields`` and
                ``gt_instance_labels``, and ``input_size`` in their metainfo.

        Raises:
            ValueError: if the features' channels are others, or the targets' grid is not the
                predictions'.
        """
        features = self._features(feats)
        predicted = self._predict_maps(features)
        fields = [sample.gt_fields for sample in batch_data_samples]
        labels = [sample.gt_instance_labels for sample in batch_data_samples]
        heatmaps = torch.stack([f.heatmaps for f in fields])
        if heatmaps.shape[-2:] != predicted[0].shape[-2:]:
            raise ValueError(
                f'the head predicts a grid of {tuple(predicted[0].shape[-2:])} (height, width), '
                f"but the codec's targets have {tuple(heatmaps.shape[-2:])}: set its output_size "
                'to half the input_size')
        mask_target = torch.cat([f.dp_mask for f in fields]).long()
        part_target = torch.cat([f.dp_parts for f in fields]).long()
        weights, points, surfaces, uv = (
            torch.cat([label[name] for label in labels])
            for name in ('keypoint_weights', 'dp_points', 'dp_surfaces', 'dp_uv'))
        crop_size = batch_data_samples[0].metainfo['input_size']

        with torch.autocast(features.device.type, enabled=False):
            mask, parts, keypoints, surface_maps, u, v = (m.float() for m in predicted)
            losses = dict(
                loss_mask=self.loss_mask(mask, mask_target),
                loss_part=self.loss_part(parts, part_target),
                loss_keypoint=self.loss_keypoint(keypoints, heatmaps.float(), weights.float()))
            for logits in _instance_logits(feats):
                logits = F.interpolate(logits.float(), mask.shape[-2:], mode='bilinear',
                                       align_corners=False)
                losses['loss_instance'] = self.loss_instance(logits, mask_target)
            surfaces = surfaces.long() * inside_crop(points, crop_size)
            losses.update(self._point_losses(surface_maps, u, v, points, surfaces, uv.float(),
                                             crop_size))
            if self.loss_triplet is not None:
                read = read_at_points(features.float(), points, crop_size)
                losses['loss_triplet'] = self.loss_triplet(read.flatten(0, 1),
                                                           surfaces.flatten())
        return losses

    def _point_losses(self, surface_maps: Tensor, u: Tensor, v: Tensor, points: Tensor,
                      surfaces: Tensor, uv: Tensor, crop_size: tuple[int, int]
                      ) -> dict[str, Tensor]:
        """Compare surfaces, and U and V on the true surface's channel, at (B, P) points."""
        logits = read_at_points(surface_maps, points, crop_size).flatten(0, 1)
        u, v = (read_at_points(m, points, crop_size).gather(2, surfaces[..., None]).flatten()
                for m in (u, v))
        surfaces, uv = surfaces.flatten(), uv.flatten(0, 1)
        valid = surfaces > 0
        right = (logits.detach()[:, 1:].argmax(1) + 1 == surfaces) & valid
        return dict(
            loss_surface=self.loss_surface(logits, surfaces),
            loss_u=self.loss_uv(u, uv[:, 0], valid),
            loss_v=self.loss_uv(v, uv[:, 1], valid),
            acc_surface=right.sum() / valid.sum().clamp(min=1))

    @torch.no_grad()
    def predict(self, feats, batch_data_samples: list,
                test_cfg: dict | None = None) -> list[InstanceData]:
        """Predict keypoints and dense pose at the resolution of the crop.

        Args:
            feats: of the neck; for the flip test a list of two, the second of the mirrored crop.
            batch_data_samples: B samples with ``input_size`` in their metainfo.
            test_cfg: ``flip_test``.

        Returns:
            B instances of length 1, numpy arrays: ``keypoints`` (1, 17, 2) in the codec's crop
            coordinates, ``keypoint_scores`` (1, 17), ``dense_labels`` (1, h, w) uint8 0..24,
            ``dense_uv`` (1, 2, h, w) float16 in [0, 1], ``dense_scores`` (1,) float32, the mean
            probability of the person over the labelled pixels.
        """
        flipped = None
        if (test_cfg or {}).get('flip_test', False):
            feats, mirrored = feats
            flipped = [m.float() for m in self.forward(mirrored)[:len(OUTPUTS)]]
        maps = [m.float() for m in self.forward(feats)[:len(OUTPUTS)]]
        heatmaps, dense, dense_flipped = maps[2], DenseMaps(maps[0], *maps[3:]), None
        if flipped is not None:
            twins = torch.tensor(KEYPOINT_TWIN, device=heatmaps.device)
            heatmaps = (heatmaps + flipped[2].flip(-1)[:, twins]) / 2
            dense_flipped = DenseMaps(flipped[0], *flipped[3:])
        result = decode_dense(
            dense, tuple(batch_data_samples[0].metainfo['input_size']),
            threshold=self.foreground_threshold, flipped=dense_flipped,
            mirror_table=None if flipped is None else self.mirror_table(heatmaps.device))

        instances = self.decode(heatmaps)
        arrays = zip(result.labels.to(torch.uint8).cpu().numpy(), result.uv.half().cpu().numpy(),
                     result.confidence.cpu().numpy(), strict=True)
        for instance, (labels, uv, confidence) in zip(instances, arrays, strict=True):
            instance.dense_labels = labels[None]
            instance.dense_uv = uv[None]
            instance.dense_scores = confidence[None]
        return instances

    def mirror_table(self, device: torch.device) -> Tensor:
        """Return :func:`.decoding.mirror_table` of the template, made once, on a device.

        Raises:
            FileNotFoundError: the template's file does not exist.
            ValueError: it has no mirror, or one of other surfaces.
        """
        if self._mirror_table is None:
            ready = hasattr(self.template, 'mirror')
            self._mirror_table = mirror_table(
                self.template if ready else SurfaceTemplate.load(self.template))
        self._mirror_table = self._mirror_table.to(device)
        return self._mirror_table


def _build_loss(config: dict | None, default: str, **options) -> nn.Module:
    """Build a loss; a config without type changes the default's options only."""
    config = dict(config or {})
    if config.get('type', default) == default:
        config = dict(type=default, **options) | config
    return MODELS.build(config)


def _instance_logits(feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the neck's second output where it is one: two channels."""
    return tuple(feats[1:2]) if len(feats) == 2 and feats[1].shape[1] == 2 else ()
