"""Start from a network that has learnt COCO's keypoints."""
import logging
import re
from collections import Counter, defaultdict
from typing import NamedTuple

import torch
from mmengine.logging import print_log
from mmpose.registry import WEIGHT_INITIALIZERS
from torch import Tensor, nn

from ktn_mm.engine.safe_loading import read_weights

_PREDICTOR = 'head.predictors.keypoints'
_DECONVOLUTIONS = 'deconv_layers'
_BILINEAR = (0.25, 0.75, 0.75, 0.25)
"""Weights with which a deconvolution of kernel 4, stride 2 doubles a line bilinearly."""


class Transfer(NamedTuple):
    """What a checkpoint holds for a model.

    Attributes:
        taken: name in the model -> tensor of the model's shape.
        refused: name in the checkpoint -> why it was not taken.
        missing: names of the model's backbone that the checkpoint does not have.
        scale: what the keypoint predictor was multiplied by.
    """

    taken: dict[str, Tensor]
    refused: dict[str, str]
    missing: list[str]
    scale: float


@WEIGHT_INITIALIZERS.register_module()
class KeypointPretrained:
    """Initialise an estimator from mmpose's top-down heat-map checkpoints (``td-hm_*``).

    In a config it stands at the estimator, and the backbone needs no weights of its own:

        model = dict(init_cfg=dict(type='KeypointPretrained', checkpoint=FILE_OR_ADDRESS),
                     backbone=dict(init_cfg=None))

    Taken are, wherever the shapes fit, the backbone; the deconvolutions, if the neck is a
    :class:`DeconvDecoder`; and the keypoint predictor, which is also KTM's W_kpt. That one is a
    1x1 convolution on stride 4 in mmpose and a deconvolution to stride 2 here: it becomes the
    deconvolution that interpolates the 1x1 convolution's heat maps bilinearly, so that the
    keypoints are found from the first step on. Where the features before it are not the
    checkpoint's, as behind MID, its heat maps would be large and wrong; there it is scaled to the
    size at which the head starts, which leaves the directions of W_kpt's rows.
    One line of the log says what was taken, what was not, and why; it is a warning if tensors of
    the backbone do not fit.

    Source: paper Table IX, the rows 'COCO'; which network they start from is not told, mmpose's
    keypoint networks are our choice.

    Args:
        checkpoint: a file or an address; only weights are read of it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no checkpoint of such a network, or no tensor of its backbone fits.
    """

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def __call__(self, model: nn.Module) -> None:
        """Overwrite the estimator's weights where the checkpoint has some for it."""
        weights = _rename(read_weights(self.checkpoint))
        own = model.state_dict()
        if not any(k.startswith('backbone.') for k in own):
            raise ValueError('KeypointPretrained initialises an estimator, not '
                             f'{type(model).__name__}: put it into the init_cfg of the model')
        if not any(k.startswith('backbone.') for k in weights) or \
                'head.final_layer.weight' not in weights:
            raise ValueError(
                f'{self.checkpoint}: expected a top-down heat-map network of mmpose, with '
                f'backbone.* and head.final_layer.weight, got {", ".join(list(weights)[:3])} '
                f'and so on, {len(weights)} tensors')
        transfer = find_transfer(weights, own)
        # batch norm's counters fit any network
        if not any(k.startswith('backbone.') and v.ndim for k, v in transfer.taken.items()):
            name, why = next((k, w) for k, w in transfer.refused.items()
                             if k.startswith('backbone.'))
            raise ValueError(f'{self.checkpoint}: no tensor of its backbone fits '
                             f"{type(model.backbone).__name__}; {name}: {why}")
        with torch.no_grad():
            for name, tensor in transfer.taken.items():
                own[name].copy_(tensor)
        misfits = any(k.startswith('backbone.') for k in transfer.refused)
        print_log(f'{self.checkpoint}: {describe(transfer, len(weights))}', logger='current',
                  level=logging.WARNING if misfits else logging.INFO)


def find_transfer(weights: dict[str, Tensor], own: dict[str, Tensor]) -> Transfer:
    """Match a heat-map network's tensors with an estimator's.

    Args:
        weights: the checkpoint, ``backbone.*``, ``head.deconv_layers.*``, ``head.final_layer.*``.
        own: the estimator's ``state_dict``.
    """
    taken: dict[str, Tensor] = {}
    refused: dict[str, str] = {}
    for name, tensor in weights.items():
        if name in ('head.final_layer.weight', 'head.final_layer.bias'):
            continue
        target = name.replace(f'head.{_DECONVOLUTIONS}.', f'neck.{_DECONVOLUTIONS}.', 1)
        if target in own and own[target].shape == tensor.shape:
            taken[target] = tensor
        elif target in own:
            refused[name] = f'is {_shape(tensor)}, the model has {_shape(own[target])}'
        elif target != name and not any(k.startswith(f'neck.{_DECONVOLUTIONS}.') for k in own):
            refused[name] = 'the neck has no deconvolutions'
        else:
            refused[name] = 'the model has no such layer'
    missing = [k for k in own if k.startswith('backbone.') and k not in taken
               and k not in refused]
    why, scale = _why_no_predictor(weights['head.final_layer.weight'], own), 1.
    predictor = {name.removeprefix('head.final_layer.'): value for name, value in weights.items()
                 if name in ('head.final_layer.weight', 'head.final_layer.bias')}
    if why:
        refused.update({f'head.final_layer.{kind}': why for kind in predictor})
    else:
        predictor['weight'] = lift(predictor['weight'])
        if _features_are_new(taken, refused, own):
            scale = float(own[f'{_PREDICTOR}.weight'].std() / predictor['weight'].std())
        taken.update({f'{_PREDICTOR}.{kind}': scale * value for kind, value in predictor.items()})
    return Transfer(taken, refused, missing, scale)


def lift(weight: Tensor) -> Tensor:
    """Turn a 1x1 convolution (K, C, 1, 1) into a deconvolution (C, K, 4, 4), stride 2.

    Its maps are those of the convolution, doubled bilinearly (``align_corners=False``); at the
    rim, where the deconvolution sees zeros, they are smaller.
    """
    line = weight.new_tensor(_BILINEAR)
    return weight.transpose(0, 1) * torch.outer(line, line)


def describe(transfer: Transfer, count: int) -> str:
    """Say in one line what of ``count`` tensors was taken, what was not, and why."""
    parts = Counter(_group(name) for name in transfer.taken)
    text = (f'took {len(transfer.taken)} of its {count} tensors ('
            + ', '.join(f'{name} {n}' for name, n in parts.items()) + ')')
    if transfer.scale != 1:
        text += (f'; {_PREDICTOR} times {transfer.scale:.2g}, because the features before it '
                 'are new')
    reasons = defaultdict(list)
    for name, why in transfer.refused.items():
        reasons[_group(name), re.sub(r'\d', '', why)].append(name)
    for names in reasons.values():
        text += f'; not taken: {_examples(names)}: {transfer.refused[names[0]]}'
    if transfer.missing:
        text += f'; not in it: {_examples(transfer.missing)}'
    return text + '; what is not named keeps its initial values'


def _rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Bring names of mmpose 0.x up to date."""
    return {k.replace('keypoint_head.', 'head.', 1) if k.startswith('keypoint_head.') else k: v
            for k, v in weights.items()}


def _features_are_new(taken: dict[str, Tensor], refused: dict[str, str],
                      own: dict[str, Tensor]) -> bool:
    """Tell whether the layers between backbone and predictors are not the checkpoint's."""
    ours = any(name not in taken for name in own
               if name.startswith(('neck.', 'head.convs.'))
               and not name.startswith('neck.instance.')
               and not name.endswith('num_batches_tracked'))  # old files lack them
    return ours or any(name.startswith('head.') for name in refused)


def _why_no_predictor(weight: Tensor, own: dict[str, Tensor]) -> str | None:
    predictor = own.get(f'{_PREDICTOR}.weight')
    if predictor is None:
        return f'the model has no {_PREDICTOR}'
    if not weight.isfinite().all() or not weight.any():
        return 'holds numbers that are not finite, or nothing but zeros'
    if weight.shape[2:] != (1, 1):
        return f'is {_shape(weight)}, only a 1x1 convolution makes a deconvolution'
    if weight.shape[:2] != (predictor.shape[1], predictor.shape[0]):
        return (f'makes {weight.shape[0]} heat maps of {weight.shape[1]} channels, the model '
                f'{predictor.shape[1]} of {predictor.shape[0]}')
    return None


def _group(name: str) -> str:
    return '.'.join(name.split('.')[:1 if name.startswith('backbone.') else 2])


def _examples(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f'{len(names)} such as {names[0]}'


def _shape(tensor: Tensor) -> str:
    return 'x'.join(map(str, tensor.shape)) or 'one number'
