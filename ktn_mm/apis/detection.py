"""Person boxes from any mmdet detector."""
from pathlib import Path
from urllib.error import URLError

import numpy as np

from ..registration import require_openmmlab
from .backends import checked_device
from .boxes import Boxes
from .model_zoo import find_model, names_of_task

PERSON_LABEL = 0
"""COCO's class 'person' in mmdet's detectors."""
DEFAULT = 'rtmdet-m'
"""Name of mmpose's own default detector of people, whose weights are on OpenMMLab's server."""


class PersonDetector:
    """Find people with a detector of mmdet.

    Args:
        config: path of an mmdet config whose first class is 'person', the name of a detector in
            this package's metafiles, or :data:`DEFAULT`.
        checkpoint: path of its weights; None for those that a name brings. mmengine downloads
            those of the default once.
        device: as torch names it; by default an accelerator if there is one.

    Raises:
        FileNotFoundError: if a file does not exist.
        ImportError: if mmdet or what it stands on is missing.
        OSError: if its weights cannot be downloaded.
        ValueError: if the first class of the detector is not 'person', or the checkpoint cannot
            be read or is missing.
    """

    def __init__(self, config: str, checkpoint: str | None = None, *,
                 device: str | None = None) -> None:
        config, checkpoint = find_detector(config, checkpoint)
        require_openmmlab()
        from mmdet.apis import init_detector
        from mmengine.registry import DefaultScope
        from mmpose.utils import adapt_mmdet_pipeline
        device = checked_device(device)
        try:
            # It leaves mmdet's scope behind, in which later models would be looked for.
            with DefaultScope.overwrite_default_scope('mmdet'):
                self.model = init_detector(config, checkpoint, device=device)
        except URLError as error:
            raise OSError(f'{checkpoint} cannot be downloaded: {error.reason}') from error
        self.model.cfg = adapt_mmdet_pipeline(self.model.cfg)
        classes = self.model.dataset_meta.get('classes', ())
        if not classes or classes[PERSON_LABEL] != 'person':
            raise ValueError(f'{config}: the first class must be "person", got {classes[:1]}')

    def __call__(self, image: np.ndarray) -> Boxes:
        """Return boxes (N, 4) x1, y1, x2, y2 and scores (N,), best first, of a BGR image.

        Boxes are clipped to the image: detectors of mmdet may reach into its padding.
        """
        from mmdet.apis import inference_detector
        from mmengine.registry import DefaultScope
        with DefaultScope.overwrite_default_scope('mmdet'):
            found = inference_detector(self.model, image).pred_instances.cpu().numpy()
        height, width = image.shape[:2]
        boxes = np.clip(found.bboxes, 0, [width, height, width, height])
        kept = (found.labels == PERSON_LABEL) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        order = np.argsort(-found.scores[kept], kind='stable')
        return boxes[kept][order], found.scores[kept][order]


def find_detector(config: str, checkpoint: str | None) -> tuple[str, str]:
    """Return the config and the weights of a detector; see :class:`PersonDetector`."""
    if config == DEFAULT:
        require_openmmlab()
        from mmpose.apis.inferencers.utils import default_det_models
        model = default_det_models['human']
        return model['model'], checkpoint or model['weights']
    named = names_of_task('Object Detection')
    if config in named:
        return find_model(config, checkpoint)
    if checkpoint is None:
        raise ValueError(f'{config}: a detector needs a checkpoint; only '
                         f'{", ".join(map(repr, [DEFAULT, *named]))} bring one')
    for path in (config, checkpoint):
        if '://' not in path and not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such file')
    return config, checkpoint
