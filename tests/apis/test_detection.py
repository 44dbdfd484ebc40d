from pathlib import Path
from types import SimpleNamespace

import cv2
import mmdet
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from ktn_mm.apis.detection import PersonDetector
from ktn_mm.synth.dataset import make_dataset

CONFIG = Path(mmdet.__file__).parent / '.mim/configs/rtmdet/rtmdet_tiny_8xb32-300e_coco.py'


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A detector that takes everything for a person with more confidence than anything else."""
    torch.manual_seed(0)
    config = Config.fromfile(CONFIG)
    config.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(config.model)
    for classifier in model.bbox_head.rtm_cls:
        torch.nn.init.normal_(classifier.weight, std=0.05)
        torch.nn.init.constant_(classifier.bias, -9.)
        classifier.bias.data[0] = 0.
    path = tmp_path_factory.mktemp('detector') / 'detector.pth'
    meta = dict(dataset_meta=dict(classes=('person', 'bicycle')))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return str(path)


def test_people_come_best_first(checkpoint):
    image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    DefaultScope.get_instance('of a caller', scope_name='mmpose')
    detector = PersonDetector(str(CONFIG), checkpoint)
    boxes, scores = detector(image)
    scope = DefaultScope.get_current_instance()
    assert (scope.instance_name, scope.scope_name) == ('of a caller', 'mmpose')
    assert len(boxes) == len(scores) > 0 and boxes.shape[1] == 4
    assert (np.diff(scores) <= 0).all()
    assert boxes.min() >= 0 and boxes[:, 2].max() <= 160 and boxes[:, 3].max() <= 120


def test_only_people_within_the_picture_are_kept(checkpoint, monkeypatch):
    found = InstanceData(
        bboxes=torch.tensor([[10., 10, 30, 40], [0, 0, 50, 50], [-5, 20, 90, 70],
                             [99, 0, 120, 9]]),
        labels=torch.tensor([0, 1, 0, 0]), scores=torch.tensor([.25, .9, .5, .75]))
    monkeypatch.setattr('mmdet.apis.inference_detector',
                        lambda model, image: SimpleNamespace(pred_instances=found))
    boxes, scores = PersonDetector(str(CONFIG), checkpoint)(np.zeros((60, 80, 3), np.uint8))
    assert boxes.tolist() == [[0, 20, 80, 60], [10, 10, 30, 40]]
    assert scores.tolist() == [.5, .25]


def test_a_detector_of_something_else_is_refused(checkpoint, tmp_path):
    saved = torch.load(checkpoint, weights_only=False)
    saved['meta']['dataset_meta']['classes'] = ('cat', 'dog')
    torch.save(saved, tmp_path / 'cats.pth')
    with pytest.raises(ValueError, match='must be "person"'):
        PersonDetector(str(CONFIG), str(tmp_path / 'cats.pth'))


def test_the_shipped_detector_finds_a_person_whom_it_never_saw(tmp_path):
    coco = make_dataset(tmp_path, {'val': 1}, seed=20, use_photos=False, progress=False)['val']
    image = cv2.imread(str(tmp_path / 'val' / coco['images'][0]['file_name']))
    x, y, w, h = max(coco['annotations'], key=lambda ann: ann['area'])['bbox']
    boxes, scores = PersonDetector('rtmdet-tiny-open-body')(image)
    boxes = boxes[scores >= .3]
    corners = np.minimum(boxes[:, 2:], (x + w, y + h)) - np.maximum(boxes[:, :2], (x, y))
    common = corners.clip(0).prod(1)
    iou = common / ((boxes[:, 2:] - boxes[:, :2]).prod(1) + w * h - common)
    assert iou.max() > 0.5
