"""The network as mmpose builds it."""
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.apis import init_model

from ..models import TopdownDensePoseEstimator
from ..structures import PersonPose


class PytorchBackend:
    """Run a top-down model of mmpose on crops.

    Args:
        config: path of one of our configs.
        checkpoint: path or address of its weights; nothing in it is run.
        device: as torch names it.
        flip_test: average over the mirrored crop; None as the config says.

    Raises:
        FileNotFoundError: if a file does not exist, the template of the flip test included.
        ValueError: if the model is of another kind, the config is a fragment, the checkpoint
            cannot be read or does not fit it, or the template has no mirror for the flip test.
    """

    def __init__(self, config: str, checkpoint: str, device: str,
                 flip_test: bool | None = None) -> None:
        self.model = init_model(config, checkpoint, device=device)
        if not isinstance(self.model, TopdownDensePoseEstimator):
            raise ValueError(f'{config}: its model is {type(self.model).__name__}, not '
                             'TopdownDensePoseEstimator; a detector goes into det (--det)')
        if 'test_dataloader' not in self.model.cfg:
            raise ValueError(f'{config}: has no test_dataloader: a fragment, not a whole config')
        if flip_test is not None:
            self.model.test_cfg['flip_test'] = flip_test
        if self.model.test_cfg.get('flip_test', False):
            self.model.head.mirror_table(torch.device(device))  # told now if there is none
        init_default_scope(self.model.cfg.get('default_scope', 'mmpose'))
        self.pipeline = Compose(self.model.cfg.test_dataloader.dataset.pipeline)

    def crop(self, image: np.ndarray, box: np.ndarray, score: float) -> dict:
        """Return a packed sample of the test pipeline."""
        return self.pipeline(dict(img=image, bbox=np.asarray(box, np.float32)[None],
                                  bbox_score=np.float32([score]), **self.model.dataset_meta))

    @torch.no_grad()
    def estimate(self, crops: Sequence[dict]) -> list[PersonPose]:
        """Run the model on packed samples.

        Raises:
            MemoryError: if so many do not fit into the accelerator's memory.
        """
        try:
            samples = self.model.test_step(pseudo_collate(list(crops)))
        except torch.OutOfMemoryError as error:
            raise MemoryError(
                f'{len(crops)} people at a time do not fit into the memory of the device; choose '
                + ('a smaller batch size (--batch-size)' if len(crops) > 1 else
                   'another one (--device cpu)')) from error
        return [PersonPose.from_instances(sample.pred_instances)[0] for sample in samples]
