"""From the checkpoints of mmdet's detectors, made here, to KTM's frozen source."""
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from ktn_mm.models.heads import KnowledgeTransferMachine

TOOL = Path(__file__).parents[2] / 'tools' / 'extract_location_knowledge.py'
CONFIGS = Path(find_spec('mmdet').origin).parent / '.mim' / 'configs'
SMALL_RESNET = dict(depth=18, base_channels=4, stem_channels=4, init_cfg=None)
SMALL_FPN = dict(in_channels=[4, 8, 16, 32], out_channels=16)


def detector(config, **changes):
    """Build one of mmdet's detectors, made small, with random weights."""
    from mmdet.registry import MODELS
    config = Config.fromfile(CONFIGS / config)
    config.merge_from_dict(dict(model=changes))
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(config.model)


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
    runpy.run_path(str(TOOL), run_name='__main__')


@pytest.fixture
def extract(tmp_path, monkeypatch):
    """Return a function from a detector to KTM's location rows, by way of files."""

    def through_files(model, *args):
        torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=12)), tmp_path / 'det.pth')
        run(monkeypatch, tmp_path / 'det.pth', tmp_path / 'location.npz', *args)
        return KnowledgeTransferMachine(2, location_file=str(tmp_path / 'location.npz')).location

    return through_files


@pytest.mark.parametrize('person', [0, 5])
def test_faster_rcnn(extract, person):
    model = detector(
        'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', backbone=SMALL_RESNET, neck=SMALL_FPN,
        rpn_head=dict(in_channels=16, feat_channels=16),
        roi_head=dict(bbox_roi_extractor=dict(out_channels=16),
                      bbox_head=dict(in_channels=16, fc_out_channels=12)))
    rows = extract(model, '--person', person)
    head = model.roi_head.bbox_head
    assert head.fc_cls.weight.shape == (81, 12) and head.fc_reg.weight.shape == (320, 12)
    expected = torch.cat([head.fc_cls.weight[person:person + 1] - head.fc_cls.weight[80:],
                          head.fc_reg.weight[4 * person:4 * person + 4]])
    torch.testing.assert_close(rows, expected.detach())
    # the row that is kept is the one that a softmax listens to
    features = torch.randn(9, 12)
    logits = features @ head.fc_cls.weight.T
    torch.testing.assert_close(features @ rows[0], logits[:, person] - logits[:, 80])
    with pytest.raises(SystemExit, match=r'^error: .*det.pth: .*classes 0\.\.79, not 80'):
        extract(model, '--person', 80)


def test_cascade_gives_every_stage(extract):
    model = detector(
        'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py', backbone=SMALL_RESNET, neck=SMALL_FPN,
        rpn_head=dict(in_channels=16, feat_channels=16))
    for head in model.roi_head.bbox_head:
        assert head.reg_class_agnostic
    rows = extract(model)
    assert rows.shape == (3 + 3 * 4, 1024)
    for i, head in enumerate(model.roi_head.bbox_head):
        torch.testing.assert_close(rows[i], (head.fc_cls.weight[0] - head.fc_cls.weight[80])
                                   .detach())
        torch.testing.assert_close(rows[3 + 4 * i:7 + 4 * i], head.fc_reg.weight.detach())


def test_rtmdet_gives_every_level(extract):
    model = detector(
        'rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
        backbone=dict(widen_factor=0.125, init_cfg=None),
        neck=dict(in_channels=[32, 64, 128], out_channels=16),
        bbox_head=dict(in_channels=16, feat_channels=16))
    rows = extract(model)
    assert rows.shape == (3 + 3 * 4, 16)
    for i in range(3):
        torch.testing.assert_close(
            rows[i], model.bbox_head.rtm_cls[i].weight[0, :, 0, 0].detach())
        torch.testing.assert_close(
            rows[3 + 4 * i:7 + 4 * i], model.bbox_head.rtm_reg[i].weight[:, :, 0, 0].detach())


def test_detector_without_box_classifier(extract):
    model = detector('rpn/rpn_r50_fpn_1x_coco.py', backbone=SMALL_RESNET, neck=SMALL_FPN,
                     rpn_head=dict(in_channels=16, feat_channels=16))
    with pytest.raises(SystemExit, match=r'^error: .*det.pth: no box classifier: expected '
                                         r'bbox_head.fc_cls .*got \d+ other layers such as '
                                         r'bbox_head.rpn_cls'):
        extract(model)


def test_half_a_detector():
    rows = runpy.run_path(str(TOOL))['location_rows']
    with pytest.raises(ValueError, match='without bbox_head.fc_reg.weight'):
        rows({'bbox_head.fc_cls.weight': np.zeros((2, 8))})
    with pytest.raises(ValueError, match='has 6 rows, neither 4 nor 4 for each of 2'):
        rows({'bbox_head.fc_cls.weight': np.zeros((3, 8)),
              'bbox_head.fc_reg.weight': np.zeros((6, 8))})
    with pytest.raises(ValueError, match=r'one length, got \[8, 9\]'):
        rows({'bbox_head.fc_cls.weight': np.zeros((2, 8)),
              'bbox_head.fc_reg.weight': np.zeros((4, 9))})
    with pytest.raises(ValueError, match='not finite'):
        rows({'bbox_head.fc_cls.weight': np.full((2, 8), np.nan),
              'bbox_head.fc_reg.weight': np.zeros((4, 8))})


def test_code_in_a_checkpoint_is_not_run(tmp_path, monkeypatch):
    torch.save(dict(state_dict={}, meta=Path('anything')), tmp_path / 'det.pth')
    with pytest.raises(SystemExit, match='^error: .*det.pth: cannot be loaded: it holds pathlib.* '
                                         'may run code'):
        run(monkeypatch, tmp_path / 'det.pth', tmp_path / 'location.npz')
