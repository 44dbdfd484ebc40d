"""From a trained model to one ONNX file."""
import json
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..codecs import DensePoseCodec
from ..deployment.recipe import INPUT_NAME, OUTPUT_NAMES, InferenceRecipe
from ..forms.writing import partial_path
from ..models import TopdownDensePoseEstimator

OPSET = 17
"""Of the graph; onnxruntime reads it since 1.12."""
PARITY = 1e-4
"""Largest difference of an output, as a share of its range."""


class Difference(NamedTuple):
    """How far onnxruntime is from PyTorch on one output.

    Attributes:
        name: of the output.
        largest: difference of a value.
        share: of the output's range over all crops, or of 1 where the range is smaller.
    """

    name: str
    largest: float
    share: float


def recipe_of(model: nn.Module) -> InferenceRecipe:
    """Read from a model what inference needs besides its graph.

    Args:
        model: of ``mmpose.apis.init_model``.

    Raises:
        ValueError: if it is none of ours, or has a step that onnxruntime's backend does not know.
    """
    config = model.cfg
    if not isinstance(model, TopdownDensePoseEstimator):
        raise ValueError(f'the model must be a TopdownDensePoseEstimator, got a '
                         f'{type(model).__name__}')
    codec = model.head.decoder
    if not isinstance(codec, DensePoseCodec):
        raise ValueError(f'the head needs a DensePoseCodec as decoder, got {codec!r}')
    steps = {step['type']: step for step in config.test_dataloader.dataset.pipeline}
    known = {'LoadPersonImage', 'LoadImage', 'GetBBoxCenterScale', 'DensePoseTopdownAffine',
             'PackPoseInputs'}
    if steps.keys() - known or 'DensePoseTopdownAffine' not in steps:
        raise ValueError(f'the test pipeline must crop with DensePoseTopdownAffine and do nothing '
                         f'else, got {", ".join(steps)}')
    flip_test = bool(model.test_cfg.get('flip_test', False))
    preprocessor = model.data_preprocessor
    reverses = preprocessor._channel_conversion
    meta = model.dataset_meta
    return InferenceRecipe(
        name=Path(config.filename or 'model').stem,
        input_size=codec.input_size, grid_size=codec.output_size,
        padding=float(steps['GetBBoxCenterScale'].get('padding', 1.25)),
        mean=preprocessor.mean.flatten().tolist(), std=preprocessor.std.flatten().tolist(),
        channel_order='rgb' if reverses else 'bgr',
        foreground_threshold=model.head.foreground_threshold,
        score=model.test_cfg.get('score', 'box'),
        blur_kernel_size=codec.keypoint_codec.blur_kernel_size,
        flip_test=flip_test,
        mirror_table=model.head.mirror_table(torch.device('cpu')).numpy() if flip_test else None,
        dataset_meta=dict(
            dataset_name=meta['dataset_name'],
            keypoints=[meta['keypoint_id2name'][i] for i in range(meta['num_keypoints'])],
            skeleton=[list(map(int, link)) for link in meta['skeleton_links']],
            sigmas=np.asarray(meta['sigmas'], float).round(6).tolist()))


class MapsOnly(nn.Module):
    """The pass from normalised crops to the head's maps, without the neck's instance logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        return self.model.head(self.model.extract_feat(crops))[:len(OUTPUT_NAMES)]


def export_onnx(model: nn.Module, path: str | Path) -> list[Difference]:
    """Write a folded model with its recipe, and compare it with PyTorch on random crops.

    The file gets its name only if they agree to :data:`PARITY`.

    Args:
        model: of ``mmpose.apis.init_model``; its KTM is folded for good.
        path: of the file; replaced if it exists.

    Returns:
        The differences, worst first.

    Raises:
        ValueError: if the model cannot be exported; see :func:`recipe_of`.
        ImportError: if onnx or onnxruntime is not installed.
    """
    import onnx
    recipe = recipe_of(model)
    model.head.fold()
    network, path = MapsOnly(model).eval(), Path(path)
    partial = partial_path(path)
    try:
        _write_graph(network, recipe.input_size, partial)
        graph = onnx.load(partial)
        onnx.helper.set_model_props(graph, recipe.to_metadata())
        graph.doc_string = json.dumps(dict(model=recipe.name, outputs=OUTPUT_NAMES))
        onnx.checker.check_model(graph)
        onnx.save(graph, partial)
        found = compare(network, partial, recipe.input_size)
        if found[0].share <= PARITY:
            os.replace(partial, path)
        return found
    finally:
        partial.unlink(missing_ok=True)


def _write_graph(network: nn.Module, size: tuple[int, int], path: Path) -> None:
    crops = torch.zeros(2, 3, *size[::-1])
    names = [INPUT_NAME, *OUTPUT_NAMES]
    with warnings.catch_warnings(), torch.no_grad():
        # The other exporter of torch needs onnxscript; this one says that it is the older.
        warnings.simplefilter('ignore', DeprecationWarning)
        # Python decides by the number of outputs and channels only, which are fixed.
        warnings.simplefilter('ignore', torch.jit.TracerWarning)
        torch.onnx.export(network, (crops, ), str(path), dynamo=False, opset_version=OPSET,
                          input_names=names[:1], output_names=names[1:],
                          dynamic_axes={name: {0: 'batch'} for name in names})


@torch.no_grad()
def compare(network: nn.Module, path: str | Path, size: tuple[int, int], *, seed: int = 0
            ) -> list[Difference]:
    """Run a file and the network it was made from on batches of 1, 3 and 2 random crops.

    Args:
        network: :class:`MapsOnly`.
        path: of the file.
        size: (w, h) of the crops.
        seed: of the crops.

    Returns:
        One difference for each output, worst first.
    """
    import onnxruntime
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    generator = torch.Generator().manual_seed(seed)
    theirs, ours = [], []
    for count in (1, 3, 2):
        crops = torch.randn(count, 3, *size[::-1], generator=generator)
        theirs.append([maps.numpy() for maps in network(crops)])
        ours.append(session.run(list(OUTPUT_NAMES), {INPUT_NAME: crops.numpy()}))
    found = []
    for name, *pair in zip(OUTPUT_NAMES, *(map(np.concatenate, zip(*one)) for one in
                                           (theirs, ours))):
        largest = float(np.abs(pair[0] - pair[1]).max())
        found.append(Difference(name, largest, largest / max(1., float(np.ptp(pair[0])))))
    return sorted(found, key=lambda difference: -difference.share)
