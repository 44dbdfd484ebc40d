import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.logging import HistoryBuffer

TOOL = Path(__file__).parents[2] / 'tools' / 'publish_weights.py'


def run(*args):
    return subprocess.run([sys.executable, '-W', 'ignore', str(TOOL), *map(str, args)],
                          capture_output=True, text=True, env={**os.environ,
                                                               'OMP_NUM_THREADS': '1'})


@pytest.fixture
def checkpoint(tmp_path):
    """What mmengine's runner writes, in small."""
    layer = torch.nn.Linear(100, 100)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 100)).sum().backward()
    optimizer.step()
    path = tmp_path / 'epoch_2.pth'
    torch.save(dict(
        state_dict=layer.state_dict(), optimizer=optimizer.state_dict(),
        message_hub=dict(log_scalars={'train/loss': HistoryBuffer([1.], [1])}),
        meta=dict(epoch=2, iter=20, cfg='secret', dataset_meta=dict(classes=('person', )))), path)
    return path


def test_the_optimizer_goes_and_the_classes_stay(checkpoint, tmp_path):
    out = run(checkpoint, tmp_path / 'small.pth', '--fp16', '--meta', 'license=Apache-2.0')
    assert out.returncode == 0, out.stderr
    assert 'small.pth: 2 tensors, 0.01 million numbers, 0.02 MB' in out.stdout
    assert len(out.stdout.split('sha256 ')[1].strip()) == 64
    content = torch.load(tmp_path / 'small.pth', weights_only=True)
    assert set(content) == {'state_dict', 'meta'} and set(content['state_dict']) == {
        'weight', 'bias'}
    assert content['meta'] == dict(epoch=2, iter=20, license='Apache-2.0',
                                   dataset_meta=dict(classes=['person']))


def test_errors_take_one_line(checkpoint, tmp_path):
    for args, reason in (((tmp_path / 'none.pth', 'x.pth'), 'none.pth: no such checkpoint'),
                         ((checkpoint, tmp_path / 'x.pth', '--meta', 'license'), 'KEY=TEXT')):
        out = run(*args)
        assert out.returncode == 1
        last = out.stderr.strip().splitlines()[-1]
        assert last.startswith('error: ') and reason in last
