"""A folded checkpoint predicts what the trained one does."""
import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model

from ktn_mm import get_config_path

TOOL = Path(__file__).parents[2] / 'tools' / 'fold_checkpoint.py'
CONFIG = get_config_path('ktn_mobilenetv2_1xb16-demo_open-body-128x96.py')


def run(monkeypatch, *args):
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')  # as the tool does, but for this test
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
    runpy.run_path(str(TOOL), run_name='__main__')


def test_folded_checkpoint(tmp_path, monkeypatch):
    torch.manual_seed(0)
    config = Config.fromfile(CONFIG)
    config.model.head.ktm.residual = True
    config.dump(tmp_path / 'config.py')
    trained = init_model(str(tmp_path / 'config.py'), device='cpu')
    torch.nn.init.normal_(trained.head.ktm.residual, std=0.1)
    torch.save(dict(state_dict=trained.state_dict(), meta=dict(epoch=7, seed=3)),
               tmp_path / 'trained.pth')
    run(monkeypatch, tmp_path / 'config.py', tmp_path / 'trained.pth', tmp_path / 'folded.pth')

    assert 'residual' not in Path(CONFIG).read_text()
    run(monkeypatch, CONFIG, tmp_path / 'trained.pth', tmp_path / 'again.pth', '--cfg-options',
        'model.head.ktm.residual=True', 'model.backbone.init_cfg=None')
    assert (tmp_path / 'again.pth').read_bytes()

    config.model.head.ktm = None
    folded = init_model(config, str(tmp_path / 'folded.pth'), device='cpu')
    saved = torch.load(tmp_path / 'folded.pth', weights_only=True)
    assert set(saved['state_dict']) == set(folded.state_dict())
    assert saved['meta'] == dict(epoch=7)
    image = torch.rand(2, 3, 128, 96)
    with torch.no_grad():
        for a, b in zip(trained(image, None), folded(image, None), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    config.dump(tmp_path / 'plain.py')
    with pytest.raises(SystemExit, match='^error: .*plain.py: its head has no KTM'):
        run(monkeypatch, tmp_path / 'plain.py', tmp_path / 'folded.pth', tmp_path / 'x.pth')
    with pytest.raises(SystemExit, match='^error: .*none.pth: no such file'):
        run(monkeypatch, tmp_path / 'plain.py', tmp_path / 'none.pth', tmp_path / 'x.pth')
