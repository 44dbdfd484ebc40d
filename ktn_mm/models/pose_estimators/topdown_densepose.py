"""The estimator: backbone, decoder and head on a person's crop."""
import logging

import numpy as np
import torch
from mmengine.logging import print_log
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS, WEIGHT_INITIALIZERS
from torch import Tensor

from ktn_mm.models.checkpoint_check import check_checkpoint
from ktn_mm.models.keypoint_pretrained import KeypointPretrained

CROP_MULTIPLE = 32
"""The sides of a crop are multiples of this: backbones halve them five times, and what a decoder
doubles again must lie where it lay before."""


@MODELS.register_module()
class TopdownDensePoseEstimator(TopdownPoseEstimator):
    """Estimate dense pose of the person in a crop.

    Adds to mmpose's estimator: ``input_center`` and ``input_scale`` in every prediction, so that
    its maps can be placed in the image, and checks of crops and checkpoints.

    Args:
        allow_partial_init: Let a checkpoint that has not all entries of the model, such as that
            of a bare backbone, initialise those that it has. Defaults to False: such a checkpoint
            is an error, because testing with it would silently test random weights.

    The other arguments are :class:`mmpose.models.TopdownPoseEstimator`'s. ``init_cfg`` also takes
    :class:`KeypointPretrained`, a network of COCO keypoints to start from. ``test_cfg`` knows
    ``flip_test``, and ``score``: ``'box'``, the detector's score, or ``'box*dense'``, times the
    mean probability of the person over the labelled pixels.

    Raises:
        ValueError: if ``score`` is neither of these, the sides of a crop are no multiples of
            :data:`CROP_MULTIPLE`, or a checkpoint does not fit the model.
    """

    def __init__(self, *args, allow_partial_init: bool = False, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.allow_partial_init = allow_partial_init
        if self.test_cfg.get('score', 'box') not in ('box', 'box*dense'):
            raise ValueError("test_cfg.score must be 'box' or 'box*dense', "
                             f"got {self.test_cfg['score']!r}")
        codec = self.head.decoder if self.with_head else None
        if codec is not None:
            self._check_crop(*codec.input_size)

    def init_weights(self) -> None:
        """Initialise every part, then what a network of COCO keypoints has for them."""
        own = [self.init_cfg] if isinstance(self.init_cfg, dict) else list(self.init_cfg or ())
        keypoint = [c for c in own if c['type'] in ('KeypointPretrained', KeypointPretrained)]
        first = not self.is_init
        self.init_cfg = [c for c in own if c not in keypoint]
        super().init_weights()
        self.init_cfg = own
        for config in keypoint if first else ():
            WEIGHT_INITIALIZERS.build(config)(self)

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the neck's features of crops (B, 3, h, w)."""
        if not torch.jit.is_tracing():
            self._check_crop(inputs.shape[3], inputs.shape[2])
        return super().extract_feat(inputs)

    def loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Return the losses of crops (B, 3, h, w).

        Raises:
            FileNotFoundError, ValueError: at the first step, if the flip test of the validations
                to come has no mirror; see :meth:`DensePoseHead.mirror_table`.
        """
        if self.test_cfg.get('flip_test', False):
            self.head.mirror_table(inputs.device)
        return super().loss(inputs, data_samples)

    @staticmethod
    def _check_crop(width: int, height: int) -> None:
        if width % CROP_MULTIPLE or height % CROP_MULTIPLE:
            raise ValueError(f'the sides of crops must be multiples of {CROP_MULTIPLE}; '
                             f'input_size is ({width}, {height})')

    def add_pred_to_datasample(self, batch_pred_instances: list[InstanceData],
                               batch_pred_fields: list | None, batch_data_samples: list) -> list:
        """Add predictions to the samples, keypoints in image coordinates.

        Every ``pred_instances`` also gets ``bboxes`` (1, 4) xyxy, ``bbox_scores`` (1,),
        ``input_center`` (1, 2) and ``input_scale`` (1, 2), float32: the CropFrame of
        ``dense_labels`` and ``dense_uv``.
        """
        samples = super().add_pred_to_datasample(batch_pred_instances, batch_pred_fields,
                                                 batch_data_samples)
        for sample in samples:
            pred = sample.pred_instances
            for name in ('input_center', 'input_scale'):
                pred.set_field(np.asarray(sample.metainfo[name], np.float32)[None], name)
            if self.test_cfg.get('score', 'box') == 'box*dense':
                pred.bbox_scores = pred.bbox_scores * pred.dense_scores
        return samples

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args, **kwargs) -> None:
        # Here, since mmengine loads with strict=False and only warns of what does not fit.
        found = {k.removeprefix(prefix): v for k, v in state_dict.items() if k.startswith(prefix)}
        said = check_checkpoint(self.state_dict(), found, partial=self.allow_partial_init)
        if said is not None:
            print_log(said, logger='current', level=logging.WARNING)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
