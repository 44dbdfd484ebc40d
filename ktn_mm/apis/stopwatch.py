"""How long networks take, side by side."""
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from time import process_time

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from ktn_mm.datasets import DensePoseCocoDataset
from ktn_mm.testing import make_tiny_dataset


def interleave(contenders: dict[str, Callable[[], object]], rounds: int,
               progress: Callable = iter, clock: Callable[[], float] = process_time
               ) -> dict[str, np.ndarray]:
    """Time functions in turn, so that whatever else the machine does hits all of them.

    Args:
        contenders: name -> function. Each is called once before the clock starts.
        rounds: calls of each.
        progress: takes the range of rounds and yields it, such as tqdm.
        clock: tells seconds; by default those of the processor, of all threads together.

    Returns:
        name -> (rounds,) seconds.
    """
    for run in contenders.values():
        run()
    seconds = {name: np.empty(rounds) for name in contenders}
    for i in progress(range(rounds)):
        order = list(contenders.items())
        for name, run in order if i % 2 else order[::-1]:
            start = clock()
            run()
            seconds[name][i] = clock() - start
    return seconds


def inference(model: nn.Module, crop_size: tuple[int, int], batch_size: int
              ) -> Callable[[], object]:
    """Return a function that runs the network from random crops to maps.

    Args:
        model: put into evaluation mode.
        crop_size: (w, h) in pixels.
        batch_size: crops.
    """
    model.eval()
    crops = torch.randn(batch_size, 3, *crop_size[::-1])

    def run() -> object:
        with torch.no_grad():
            return model(crops, None, mode='tensor')

    return run


def training_step(model: nn.Module, config: Config, batch: dict) -> Callable[[], object]:
    """Return a function that does one optimizer step on a batch of :func:`training_batch`.

    It switches the model's flip test off, whose mirror training asks for, as that may not be
    there.
    """
    model.train()
    model.test_cfg['flip_test'] = False
    optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
    return lambda: model.train_step(batch, optim_wrapper)


def neck_pass(model: nn.Module, batch: dict) -> Callable[[], object]:
    """Return a function that runs the neck alone forward and backward, as a step does.

    Args:
        model: with a neck.
        batch: of :func:`training_batch`.
    """
    model.train()
    crops = model.data_preprocessor(batch, True)['inputs']
    with torch.no_grad():
        levels = model.backbone(crops)
    levels = tuple(x.detach().requires_grad_() for x in levels)

    def run() -> object:
        outputs: tuple[Tensor, ...] = model.neck(levels)
        wanted = [*levels, *model.neck.parameters()]
        return torch.autograd.grad(outputs, wanted, [torch.ones_like(x) for x in outputs],
                                   allow_unused=True)

    return run


def training_batch(config: Config, batch_size: int) -> dict:
    """Return crops of annotated paper dolls, made by the config's own pipeline without flips.

    A flip needs the surface that the data set was annotated on, which may not be there.
    """
    pipeline = [step for step in config.train_dataloader.dataset.pipeline
                if step['type'] != 'DensePoseRandomFlip']
    # the reader of COCO files talks
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()), \
            DefaultScope.overwrite_default_scope('mmpose'):
        paths = make_tiny_dataset(folder, num_images=batch_size, kinds=('dense', ))
        dolls = DensePoseCocoDataset(
            ann_file=paths.ann_file, data_root=paths.data_root,
            data_prefix=dict(img=paths.img_dir), pipeline=pipeline)
        return pseudo_collate([dolls[i] for i in range(batch_size)])
