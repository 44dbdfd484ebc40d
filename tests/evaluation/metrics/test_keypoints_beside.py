"""mmpose's CocoMetric beside ours, as the configs have them."""
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import MODELS

import ktn_mm  # noqa: F401  (registers the metric)
from ktn_mm.models.pose_estimators import TopdownDensePoseEstimator
from ktn_mm.synth.dataset import make_dataset

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / 'configs/densepose_topdown/ktn_mobilenetv2_1xb16-demo_open-body-128x96.py'

VAL = Path('data/open-body-demo/annotations/densepose_open_val.json')


@MODELS.register_module()
class KnowsKeypoints(TopdownDensePoseEstimator):
    """Our estimator, whose keypoints in the image are those that were annotated."""

    def add_pred_to_datasample(self, *args):
        samples = super().add_pred_to_datasample(*args)
        truth = {a['id']: a['keypoints'] for a in json.loads(VAL.read_text())['annotations']}
        for sample in samples:
            keypoints = np.array(truth[sample.id], np.float32).reshape(1, 17, 3)
            sample.pred_instances.keypoints = keypoints[..., :2]
        return samples


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The demo's config on its own layout, with one epoch of two pictures."""
    monkeypatch.chdir(tmp_path)
    make_dataset('data/open-body-demo', {'train': 2, 'val': 4}, (256, 256), seed=0,
                 use_photos=False, progress=False)
    config = Config.fromfile(DEMO)
    config.model.backbone.init_cfg = None
    config.train_cfg.max_epochs = config.train_cfg.val_interval = 1
    config.train_dataloader.batch_size = 2
    config.work_dir = 'work'
    config.experiment_name = tmp_path.name
    return config


def test_both_metrics_read_the_same_predictions(config):
    figures = Runner.from_cfg(config).test()
    assert {'densepose/GPS/AP', 'densepose/segm/AP', 'coco/AP', 'coco/AR'} <= figures.keys()
    assert 0 <= figures['coco/AP'] < .1, 'nothing was learnt'

    config.model.type = 'KnowsKeypoints'
    config.experiment_name += '_known'
    known = Runner.from_cfg(config).test()
    assert known['coco/AP'] == pytest.approx(1)
    assert known['densepose/foreground_recall'] >= 0


def test_best_checkpoint_goes_by_gps(config):
    runner = Runner.from_cfg(config)
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert 'val/densepose/GPS/AP' in scalars and 'val/coco/AP' in scalars
    best = [p.name for p in Path('work').glob('best*')]
    assert best == ['best_densepose_GPS_AP_epoch_1.pth']
