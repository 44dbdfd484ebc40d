"""Dense pose of the people in one image, on boxes that somebody gives."""
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope

from ..structures import DensePoseResult


def build_test_pipeline(model: torch.nn.Module) -> Compose:
    """Return the test pipeline of a model made by mmpose's ``init_model``."""
    init_default_scope(model.cfg.get('default_scope', 'mmpose'))
    return Compose(model.cfg.test_dataloader.dataset.pipeline)


def check_boxes(boxes, image_size: tuple[int, int]) -> np.ndarray:
    """Return boxes as a (N, 4) float32 array, clipped to the image.

    Args:
        boxes: N boxes x1, y1, x2, y2 in image pixels.
        image_size: (width, height).

    Raises:
        ValueError: if a box has not four finite numbers, has no area, or lies outside the
            image; the message gives its index and value.
    """
    try:
        array = np.asarray(boxes, np.float32).reshape(-1, 4) if len(boxes) else np.zeros((0, 4))
    except (TypeError, ValueError):
        raise ValueError(f'boxes must be rows of x1, y1, x2, y2, got {boxes!r}') from None
    width, height = image_size
    for i, (x1, y1, x2, y2) in enumerate(array.tolist()):
        value = f'box {i} = ({x1:g}, {y1:g}, {x2:g}, {y2:g})'
        if not np.isfinite([x1, y1, x2, y2]).all():
            raise ValueError(f'{value} is not finite')
        if x2 <= x1 or y2 <= y1:
            raise ValueError(f'{value} has no area: x2 must exceed x1 and y2 must exceed y1')
        if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            raise ValueError(f'{value} lies outside the image of {width}x{height} pixels')
    limits = np.array([width, height, width, height], np.float32)
    return np.clip(array, 0, limits).astype(np.float32)


@torch.no_grad()
def infer_image(model: torch.nn.Module, image: np.ndarray, boxes: Sequence,
                scores: Sequence[float] | None = None, *, batch_size: int = 8,
                pipeline: Compose | None = None) -> DensePoseResult:
    """Predict the dense pose of people in boxes of an image.

    Args:
        model: made by mmpose's ``init_model`` from one of our configs.
        image: (H, W, 3) uint8 in BGR order, as OpenCV reads it.
        boxes: N boxes x1, y1, x2, y2 in image pixels. No box gives an empty result.
        scores: of the boxes, in [0, 1]; 1 by default.
        batch_size: crops that go through the network at a time.
        pipeline: from :func:`build_test_pipeline`, to save building it for every image.

    Raises:
        ValueError: for an image or boxes that cannot be used.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError('image must be (H, W, 3) uint8, got '
                         f'{image.shape} {image.dtype}')
    if batch_size < 1:
        raise ValueError(f'batch_size must be at least 1, got {batch_size}')
    size = (image.shape[1], image.shape[0])
    boxes = check_boxes(boxes, size)
    scores = np.ones(len(boxes), np.float32) if scores is None else np.asarray(scores, np.float32)
    if scores.shape != (len(boxes),) or not np.isfinite(scores).all():
        raise ValueError(f'{len(boxes)} boxes need as many finite scores, got {scores.tolist()}')
    pipeline = pipeline or build_test_pipeline(model)
    crops = [pipeline(dict(img=image, bbox=box[None], bbox_score=score,
                           **model.dataset_meta))
             for box, score in zip(boxes, scores[:, None])]
    samples = []
    for start in range(0, len(crops), batch_size):
        samples += model.test_step(pseudo_collate(crops[start:start + batch_size]))
    return DensePoseResult.from_data_samples(samples, size)
