"""The detector's config composes, learns, and writes boxes that pose networks are tested on."""
import json
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from ktn_mm.datasets.detections import read_detections
from ktn_mm.testing import make_tiny_dataset

DETECTORS = sorted((Path(__file__).resolve().parents[1] / 'configs' / 'detection').glob('*.py'))
STARTS = {None: '', 'work_dirs/detector/epoch_6.pth': 'restart-',
          'work_dirs/detector-restart/epoch_7.pth': 'restart-twice-'}
CONFIGS = {path: Config.fromfile(path) for path in DETECTORS}


@pytest.fixture(params=DETECTORS, ids=lambda path: path.stem)
def config(request):
    config = deepcopy(CONFIGS[request.param])
    config.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield config


@pytest.fixture(scope='module')
def dolls(tmp_path_factory):
    return make_tiny_dataset(tmp_path_factory.mktemp('dolls'))


def build(loader, dolls):
    loader.dataset.update(data_root='', ann_file=dolls.ann_file,
                          data_prefix=dict(img=dolls.img_dir))
    return DATASETS.build(loader.dataset)


@pytest.mark.parametrize('path', DETECTORS, ids=lambda path: path.stem)
def test_config_says_what_its_name_says(path):
    config, fields = CONFIGS[path], path.stem.split('_')
    algorithm, backbone, training, data = fields
    assert algorithm == 'rtmdet-tiny' and config.model.type == 'RTMDet'
    assert backbone == config.model.backbone.type.lower()
    epochs, start = config.train_cfg.max_epochs, STARTS[
        (config.model.get('init_cfg') or {}).get('checkpoint')]
    assert not config.load_from, 'mmdet drops it with --resume, also where nothing can be resumed'
    assert training == f'{start}1xb{config.train_dataloader.batch_size}-{epochs}e'
    assert data == 'open-body-v1-{1}x{0}'.format(*config.size)
    assert config.param_scheduler[-1].end == config.train_cfg.max_epochs
    assert config.model.bbox_head.num_classes == 1
    for split, name in (('train', 'train'), ('val', 'val'), ('test', 'test')):
        dataset = config[f'{split}_dataloader'].dataset
        assert dataset.metainfo.classes == ('person', )
        assert dataset.ann_file == f'annotations/densepose_open_{name}.json'
        assert dataset.data_prefix.img == f'{name}/'
        if split != 'train':
            assert config[f'{split}_evaluator'].ann_file == config.data_root + dataset.ann_file


def test_a_training_step_reaches_every_layer_that_boxes_depend_on(config, dolls):
    torch.manual_seed(0)
    model = MODELS.build(config.model).train()
    people = build(config.train_dataloader, dolls)
    batch = pseudo_collate([people[0], people[1]])
    assert all(len(sample.gt_instances) for sample in batch['data_samples'])
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    log = model.train_step(batch, wrapper)
    assert {'loss_cls', 'loss_bbox'} <= set(log)
    assert all(0 < log[name].item() < float('inf') for name in ('loss_cls', 'loss_bbox')), log
    left = [name for name, p in model.named_parameters()
            if p.requires_grad and p not in wrapper.optimizer.state]
    # MobileNetV2's last convolution, which no level of the neck takes.
    assert all(name.startswith('backbone.conv2.') for name in left), left


def test_boxes_are_written_as_the_pose_networks_read_them(config, dolls, tmp_path):
    config.test_evaluator.update(ann_file=dolls.ann_file, outfile_prefix=str(tmp_path / 'boxes'))
    metric, people = METRICS.build(config.test_evaluator), build(config.test_dataloader, dolls)
    metric.dataset_meta = people.metainfo
    truth = json.loads(Path(dolls.ann_file).read_text())['annotations']
    for data in (people[i] for i in range(len(people))):
        sample = data['data_samples']
        boxes = [ann['bbox'] for ann in truth if ann['image_id'] == sample.img_id]
        corners = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in boxes])
        metric.process({}, [dict(
            img_id=sample.img_id, ori_shape=sample.ori_shape, pred_instances=dict(
                bboxes=corners, scores=torch.ones(len(boxes)),
                labels=torch.zeros(len(boxes), dtype=torch.long)))])
    figures = metric.evaluate(len(people))
    assert figures['coco/bbox_mAP'] == figures['coco/bbox_AR@100'] == 1
    found = read_detections(str(tmp_path / 'boxes.bbox.json'))
    assert {(d.image_id, d.category_id) for d in found} == {
        (ann['image_id'], ann['category_id']) for ann in truth}
    assert len(found) == len(truth)
