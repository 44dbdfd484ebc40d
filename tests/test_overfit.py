"""A few crops learnt by heart score nearly full marks: losses, decoding and metric agree."""
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, METRICS, MODELS

import ktn_mm  # noqa: F401  (registers the models)
from ktn_mm.testing import TinyDataset, make_tiny_dataset

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
LEAF = CONFIGS / 'densepose_topdown/ktn_mobilenetv2_1xb16-demo_open-body-128x96.py'
AUGMENTATION = ('DensePoseRandomFlip', 'RandomBBoxTransform')
CROPS = 8
STEPS = 300


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    """A tiny data set of one large paper doll a picture."""
    return make_tiny_dataset(tmp_path_factory.mktemp('dolls'), num_images=CROPS,
                             kinds=('dense', ), image_size=(300, 400))


def set_up(variant: str, people: TinyDataset) -> Config:
    """Return the demo's config with another model, without augmentation and weights.

    Points on a silhouette fall between the cells of so small a grid: the truth itself, read at
    its cells, scores an AP of 0.83, at the pixels of the crops 0.94. So the crops have no padding,
    and pixels belong to the person at a lower probability than usual.
    """
    config = Config.fromfile(LEAF)
    model = Config.fromfile(CONFIGS / '_base_' / 'models' / f'{variant}_mobilenetv2.py').model
    model.head.decoder = config.codec
    model.head.foreground_threshold = 0.05
    model.backbone.init_cfg = None
    model.test_cfg.flip_test = False  # mirrored crops were never learnt
    config.model = model
    for split in ('train', 'val'):
        dataset = config[f'{split}_dataloader'].dataset
        dataset.update(data_root=people.data_root, ann_file=people.ann_file,
                       data_prefix=dict(img=people.img_dir))
        dataset.pipeline = [step for step in dataset.pipeline if step.type not in AUGMENTATION]
        next(s for s in dataset.pipeline if s.type == 'GetBBoxCenterScale').padding = 1.
    config.val_evaluator = next(m for m in config.val_evaluator if m.type == 'DensePoseCocoMetric')
    config.val_evaluator.ann_file = people.ann_file
    init_default_scope(config.default_scope)
    return config


def learn(model, batch: dict, config: Config) -> None:
    """Take all steps on one batch, the last quarter with a tenth of the learning rate."""
    optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
    model.train()
    for step in range(STEPS):
        if step == STEPS * 3 // 4:
            optim_wrapper.param_groups[0]['lr'] /= 10
        model.train_step(batch, optim_wrapper)


def score(model, config: Config) -> dict[str, float]:
    """Return the metric's figures of the config's own validation."""
    dataset = DATASETS.build(config.val_dataloader.dataset)
    metric = METRICS.build(config.val_evaluator)
    model.eval()
    with torch.no_grad():
        samples = model.val_step(pseudo_collate([dataset[i] for i in range(len(dataset))]))
    metric.process(None, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(dataset))


@pytest.mark.slow
@pytest.mark.parametrize('variant', ['baseline', 'mid', 'ktm', 'ktn'])
def test_eight_crops_are_learnt_by_heart(variant, people):
    torch.manual_seed(0)
    config = set_up(variant, people)
    crops = DATASETS.build(config.train_dataloader.dataset)
    assert len(crops) == CROPS
    batch = pseudo_collate([crops[i] for i in range(CROPS)])
    model = MODELS.build(config.model)
    model.init_weights()
    learn(model, batch, config)
    figures = score(model, config)
    assert figures['densepose/GPS/AP'] > 0.9
