"""How large a network is, and how much it computes, part by part."""
from copy import deepcopy
from typing import NamedTuple

import torch
from mmengine.analysis import FlopAnalyzer, parameter_count
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from torch import nn

PARTS = ('backbone', 'neck', 'head', 'KTM')
"""Of a network; the head without KTM."""

_PATHS = dict(backbone='backbone', neck='neck', KTM='head.ktm')


class Size(NamedTuple):
    """What a network has and does, by part, and as a whole under ``''``.

    Attributes:
        parameters: numbers that are trained.
        multiply_adds: of one crop's forward pass, as mmengine counts them; KTM's occur once a
            batch, however many crops it has.
    """

    parameters: dict[str, int]
    multiply_adds: dict[str, int]


def build_untrained(config: Config, *, ktm: bool = True) -> nn.Module:
    """Build the network of a config without reading weights.

    Args:
        config: of one of our networks; it is not changed.
        ktm: False leaves the knowledge transfer machine out, if there is one.

    Raises:
        ValueError: if the config's model is none of ours.
    """
    model = deepcopy(config.get('model', {}))
    if model.get('type') != 'TopdownDensePoseEstimator':
        raise ValueError(f'{config.filename}: model is a {model.get("type")}, not a '
                         'TopdownDensePoseEstimator')
    model.backbone.init_cfg = None
    model.init_cfg = None
    if not ktm:
        model.head.ktm = None
    init_default_scope(config.get('default_scope', 'mmpose'))
    return MODELS.build(model)


def count(model: nn.Module, crop_size: tuple[int, int]) -> Size:
    """Count parameters and multiply-adds of a network as it is, folded or not.

    Args:
        model: of :func:`build_untrained`.
        crop_size: (w, h) in pixels.

    Raises:
        ValueError: if crops of this size do not fit the network.
    """
    training = model.training
    model.eval()
    crop = torch.zeros(1, 3, *crop_size[::-1])
    with torch.no_grad():
        model(crop, None, mode='tensor')  # counting leaves out the checks of the network
    analyzer = FlopAnalyzer(_Forward(model), (crop, ))
    analyzer.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    size = Size(_by_part(parameter_count(model)),
                _by_part({name.removeprefix('model').removeprefix('.'): n
                          for name, n in analyzer.by_module().items() if name}))
    model.train(training)
    return size


class _Forward(nn.Module):
    """The pass from crops to maps, with nothing but the crops as argument."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.model(inputs, None, mode='tensor')


def _by_part(by_module: dict[str, int]) -> dict[str, int]:
    """Reduce counts by module to counts by part."""
    counts = {part: int(by_module.get(path, 0)) for part, path in _PATHS.items()}
    # mmpose calls the head's forward directly, so that no module name stands for it
    counts['head'] = int(by_module['']) - sum(counts.values())
    return {part: counts[part] for part in PARTS} | {'': int(by_module[''])}
