"""Person boxes from any mmdet detector."""
import numpy as np

PERSON_LABEL = 0
"""COCO's class 'person' in mmdet's detectors."""


class PersonDetector:
    """Find people with a detector of mmdet.

    Args:
        config: path of an mmdet config whose first class is 'person'.
        checkpoint: path of its weights.
        device: as torch names it.
        score_thr: boxes below it are left out.

    Raises:
        ValueError: if the first class of the detector is not 'person'.
    """

    def __init__(self, config: str, checkpoint: str, *, device: str = 'cpu',
                 score_thr: float = 0.3) -> None:
        from mmdet.apis import init_detector
        from mmpose.utils import adapt_mmdet_pipeline
        self.model = init_detector(config, checkpoint, device=device)
        self.model.cfg = adapt_mmdet_pipeline(self.model.cfg)
        classes = self.model.dataset_meta.get('classes', ())
        if not classes or classes[PERSON_LABEL] != 'person':
            raise ValueError(f'{config}: the first class must be "person", got {classes[:1]}')
        self.score_thr = score_thr

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes (N, 4) x1, y1, x2, y2 and scores (N,), best first, of a BGR image.

        Boxes are clipped to the image: detectors of mmdet may reach into its padding.
        """
        from mmdet.apis import inference_detector
        from mmengine.registry import DefaultScope
        with DefaultScope.overwrite_default_scope('mmdet'):
            found = inference_detector(self.model, image).pred_instances.cpu().numpy()
        height, width = image.shape[:2]
        boxes = np.clip(found.bboxes, 0, [width, height, width, height])
        kept = (found.labels == PERSON_LABEL) & (found.scores >= self.score_thr)
        kept &= (boxes[:, 2:] > boxes[:, :2]).all(1)
        order = np.argsort(-found.scores[kept], kind='stable')
        return boxes[kept][order], found.scores[kept][order]
