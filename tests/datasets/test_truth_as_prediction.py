"""The boxes of the dataset, seen by the metric: the truth as prediction loses nothing."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.structures import InstanceData

from ktn_mm import get_config_path
from ktn_mm.evaluation.metrics import DensePoseCocoMetric
from ktn_mm.structures.crop_frame import CropFrame, image_to_box
from ktn_mm.testing.tiny_dataset import TinyDataset, body_at, dense_annotation, paint

WIDTH, HEIGHT, SIDE = 320, 300, 256
# Four pixels of the crop for one of the image, so that nearest values are exact enough.
CROP = 960, 1280
CORNERS = ((0, 0), (WIDTH - SIDE, HEIGHT - SIDE), (WIDTH - SIDE, 0), (0, HEIGHT - SIDE))


@pytest.fixture(scope='module')
def cornered(tmp_path_factory):
    """Four dolls, each in a corner of its picture, as annotations and as detections.

    Their boxes are 256 pixels wide and high, so that points are annotated at pixel centres; all
    points lie on hands and feet, which touch the sides of the box.
    """
    folder = tmp_path_factory.mktemp('corners')
    rng = np.random.default_rng(0)
    images, annotations, detections = [], [], []
    for number, corner in enumerate(CORNERS, 1):
        box = [*map(float, corner), float(SIDE), float(SIDE)]
        picture = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        shown = paint(picture, box) > 0
        images.append(dict(id=number, file_name=f'{number}.png', width=WIDTH, height=HEIGHT))
        cv2.imwrite(str(folder / f'{number}.png'), picture)
        dense = dense_annotation(rng, SIDE ** 2)
        rim = np.isin(dense['dp_I'], (3, 4, 5, 6))
        x, y = np.array(dense['dp_x']), np.array(dense['dp_y'])
        rim &= (np.abs(x - SIDE / 2) > SIDE / 2 - 2) | (np.abs(y - SIDE / 2) > SIDE / 2 - 2)
        dense.update({k: np.array(dense[k])[rim].tolist()
                      for k in ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V')})
        annotations.append(dict(id=number, image_id=number, category_id=1, iscrowd=0, bbox=box,
                                area=float(shown.sum()), **dense))
        detections.append(dict(image_id=number, category_id=1, bbox=box, score=1.))
    ann_file, bbox_file = folder / 'people.json', folder / 'boxes.json'
    ann_file.write_text(json.dumps(dict(
        images=images, annotations=annotations, categories=[dict(id=1, name='person')])))
    bbox_file.write_text(json.dumps(detections))
    return TinyDataset(str(folder), str(ann_file), str(folder), str(bbox_file))


def predict(packed: dict, annotations: list[dict]):
    """Return the sample of a network that knows the truth, on the crop of the pipeline."""
    sample = packed['data_samples']
    frame = CropFrame(sample.input_center, sample.input_scale, sample.input_size)
    box = next(a['bbox'] for a in annotations if a['image_id'] == sample.img_id)
    labels, uv = body_at(image_to_box(frame.to_image(frame.grid_points(CROP)), box, 1.))
    truth = sample.gt_instances
    sample.pred_instances = InstanceData(
        dense_labels=labels[None].astype(np.uint8), dense_uv=uv.transpose(2, 0, 1)[None],
        input_center=np.array([frame.center]), input_scale=np.array([frame.scale]),
        bboxes=truth.bboxes, bbox_scores=truth.bbox_scores)
    return sample.to_dict()


def score(tiny: TinyDataset, dataset) -> dict[str, float]:
    steps = Config.fromfile(get_config_path('256x192')).val_pipeline
    for step in steps:
        if step['type'] == 'DensePoseTopdownAffine':
            step['input_size'] = CROP
    pipeline = Compose(steps)
    annotations = json.loads(Path(tiny.ann_file).read_text())['annotations']
    metric = DensePoseCocoMetric(tiny.ann_file, compat=None)
    for info in dataset:
        metric.process({}, [predict(pipeline(info), annotations)])
    return metric.evaluate(len(dataset))


def test_truth_is_perfect_up_to_the_border(cornered, build):
    for info, (x, y) in zip(build(cornered, test_mode=True), CORNERS, strict=True):
        np.testing.assert_array_equal(info['bbox'], [[x, y, x + SIDE, y + SIDE]])
    figures = score(cornered, build(cornered, test_mode=True))
    assert figures['densepose/GPS/AP'] == figures['densepose/GPSm/AP'] == pytest.approx(1)
    assert figures['densepose/mean_GPS'] > .99
    detected = build(cornered, test_mode=True, bbox_file=cornered.bbox_file)
    assert score(cornered, detected) == figures
