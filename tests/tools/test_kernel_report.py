"""The report reads the kernel that the network really uses."""
import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model

from ktn_mm import get_config_path
from ktn_mm.knowledge.likeness import measure_likeness
from ktn_mm.models.heads.ktm import kernel_to_rows

TOOL = Path(__file__).parents[2] / 'tools' / 'kernel_report.py'
CONFIG = get_config_path('ktn_mobilenetv2_1xb16-demo_open-body-128x96.py')


def report(monkeypatch, capsys, *args):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
    capsys.readouterr()
    runpy.run_path(str(TOOL), run_name='__main__')
    lines = capsys.readouterr().out.splitlines()
    return lines[-(1 + sum(line.startswith('gathered') for line in lines)):]


def test_a_checkpoint_and_a_folded_one(tmp_path, monkeypatch, capsys):
    torch.manual_seed(3)
    config = Config.fromfile(CONFIG)
    config.model.backbone.init_cfg = None
    model = init_model(config, device='cpu')
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'trained.pth')
    *gathered, predictor = report(monkeypatch, capsys, CONFIG, tmp_path / 'trained.pth')
    assert [line.split()[2] for line in gathered] == ['keypoint', 'location', 'part']

    model.head.fold()
    rows = kernel_to_rows(model.head.predictors['surfaces'].weight.detach())[1:].numpy()
    expected = measure_likeness(rows)
    assert predictor.split()[1:3] == [f'{expected.common:.3f}', f'{expected.rank:.1f}']

    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'folded.pth')
    folded, = report(monkeypatch, capsys, CONFIG, tmp_path / 'folded.pth', '--cfg-options',
                     'model.head.ktm=None')
    assert folded.split() == predictor.split()


def test_the_start_depends_on_the_seed(monkeypatch, capsys):
    first, again, other = (report(monkeypatch, capsys, CONFIG, '--seed', seed)
                           for seed in (0, 0, 1))
    assert first == again != other
    with pytest.raises(SystemExit, match='none.pth: no such file'):
        report(monkeypatch, capsys, CONFIG, 'none.pth')
