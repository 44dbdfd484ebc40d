"""From a detector's checkpoint to KTM's frozen source."""
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from ktn_mm.models.heads import KnowledgeTransferMachine

TOOL = Path(__file__).parents[2] / 'tools' / 'extract_location_knowledge.py'


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
    runpy.run_path(str(TOOL), run_name='__main__')


def test_faster_rcnn(tmp_path, monkeypatch):
    from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead
    with DefaultScope.overwrite_default_scope('mmdet'):
        head = Shared2FCBBoxHead(in_channels=4, fc_out_channels=12, num_classes=3, roi_feat_size=2)
    state = {f'roi_head.bbox_head.{k}': v for k, v in head.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'det.pth')
    run(monkeypatch, tmp_path / 'det.pth', tmp_path / 'loc.npz', '--person', 1)
    ktm = KnowledgeTransferMachine(2, location_file=str(tmp_path / 'loc.npz'))
    assert ktm.location.shape == (5, 12)
    torch.testing.assert_close(ktm.location[0], (head.fc_cls.weight[1] - head.fc_cls.weight[3])
                               .detach())
    torch.testing.assert_close(ktm.location[1:], head.fc_reg.weight[4:8].detach())
    with pytest.raises(ValueError, match=r'classes 0\.\.2, not 3'):
        run(monkeypatch, tmp_path / 'det.pth', tmp_path / 'loc.npz', '--person', 3)


def test_rtmdet_levels():
    rows = runpy.run_path(str(TOOL))['location_rows']
    weights = {f'bbox_head.rtm_{kind}.{level}.weight': np.random.rand(n, 6, 1, 1)
               for level in range(3) for kind, n in (('cls', 80), ('reg', 4))}
    found = rows(weights)
    assert found.shape == (15, 6) and found.dtype == np.float32
    np.testing.assert_allclose(found[1], weights['bbox_head.rtm_cls.1.weight'][0, :, 0, 0],
                               rtol=1e-6)
    np.testing.assert_allclose(found[7:11], weights['bbox_head.rtm_reg.1.weight'][:, :, 0, 0],
                               rtol=1e-6)


def test_no_detector():
    rows = runpy.run_path(str(TOOL))['location_rows']
    with pytest.raises(ValueError, match='not a detector'):
        rows({'backbone.conv1.weight': np.zeros((4, 3, 7, 7))})
    with pytest.raises(ValueError, match='without bbox_head.fc_reg.weight'):
        rows({'bbox_head.fc_cls.weight': np.zeros((2, 8))})
