"""Checkpoints that would run code, through every way that loads checkpoints."""
import os
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mmdet
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from ktn_mm import get_config_path
from ktn_mm.engine.safe_loading import SWITCH, guard_mmengine, read_weights
from ktn_mm.testing import make_tiny_dataset

DEMO = get_config_path('ktn_mobilenetv2_1xb16-demo_open-body-128x96')
ROOT = Path(__file__).resolve().parents[2]
DETECTOR = Path(mmdet.__file__).parent / '.mim/configs/rtmdet/rtmdet_tiny_8xb32-300e_coco.py'


class Trap:
    """What an attacker's file looks like: reading it makes a folder."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.target, )


@pytest.fixture
def trap(tmp_path):
    """A checkpoint that makes the folder ``sprung`` beside it when it is unpickled."""
    path = tmp_path / 'bad.pth'
    torch.save(dict(state_dict=torch.nn.Linear(2, 1).state_dict(),
                    meta=Trap(str(tmp_path / 'sprung'))), path)
    return path


def line_weights() -> dict:
    return {f'line.{k}': v for k, v in torch.nn.Linear(2, 1).state_dict().items()}


def fresh(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess:
    """Run a command in a process that nobody has prepared."""
    environ = {k: v for k, v in os.environ.items() if k != SWITCH}
    environ['PATH'] = f'{Path(sys.executable).parent}{os.pathsep}{environ["PATH"]}'
    return subprocess.run([str(word) for word in command], cwd=cwd, env=environ, text=True,
                          capture_output=True)


EVERY_WAY = f"""
import sys
from pathlib import Path
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmdet.apis import init_detector
from mmpose.apis import init_model

class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(2, 1)
    def forward(self, inputs, data_samples=None, mode='tensor'):
        return inputs

def configured(path):
    config = Config.fromfile(path)
    config.model.backbone.init_cfg = None
    return config

bad, good, work = sys.argv[1:]
demo = configured({DEMO!r})                    # which imports ktn_mm
runner = Runner(Line(), work, default_scope='mmpose', experiment_name='fresh')
from mmengine.runner.checkpoint import load_checkpoint
ways = dict(load=lambda f: load_checkpoint(Line(), f), runner=runner.load_checkpoint,
            resume=runner.resume, pose=lambda f: init_model(demo, f, device='cpu'),
            detector=lambda f: init_detector(configured({str(DETECTOR)!r}), f, device='cpu'))
for name, way in ways.items():
    try:
        way(bad)
    except ValueError as error:
        print('refused', name, error)
print('sprung', (Path(bad).parent / 'sprung').exists())
ways['load'](good)
print('read', type(torch.load(bad, weights_only=False)['meta']).__name__)
"""


def test_every_way_to_load_is_guarded(trap, tmp_path):
    import numpy as np
    from mmengine.logging import HistoryBuffer
    good = tmp_path / 'good.pth'
    hub = dict(loss=HistoryBuffer([1., 2.], [1, 1]), state=np.zeros(3, np.uint8))
    torch.save(dict(state_dict=line_weights(), message_hub=hub), good)
    result = fresh(sys.executable, '-W', 'ignore', '-c', EVERY_WAY, trap, good,
                   tmp_path / 'work', cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-2000:]
    said = [line for line in result.stdout.splitlines() if line.startswith('refused')]
    assert [line.split()[1] for line in said] == ['load', 'runner', 'resume', 'pose', 'detector']
    for line in said:
        assert f'{trap}: cannot be loaded: it holds posix.mkdir, which may run code' in line
    assert 'weights_only' not in result.stdout + result.stderr
    assert 'sprung False' in result.stdout
    # what somebody else loads in the same process is not ours
    assert 'read NoneType' in result.stdout and (tmp_path / 'sprung').exists()


def tiny_options(folder: Path) -> list[str]:
    """Return options that point the demo config to paper dolls."""
    paths = make_tiny_dataset(folder / 'dolls', num_images=1)
    options = ['model.backbone.init_cfg=None', 'train_cfg.max_epochs=2']
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        options += [f'{loader}.dataset.data_root=', f'{loader}.dataset.ann_file={paths.ann_file}',
                    f'{loader}.dataset.data_prefix.img={paths.img_dir}/',
                    f'{loader}.num_workers=0', f'{loader}.persistent_workers=False',
                    f'{loader}.batch_size=2']
    return options + [f'{name}.{metric}.ann_file={paths.ann_file}' for metric in (0, 1)
                      for name in ('val_evaluator', 'test_evaluator')]


@pytest.mark.parametrize('resume', [False, pytest.param(True, marks=pytest.mark.slow)])
def test_mim_refuses_a_trap(trap, tmp_path, resume):
    command = ['mim', 'test', 'mmpose', DEMO, '-C', trap]
    if resume:
        (tmp_path / 'work').mkdir()
        (tmp_path / 'work' / 'last_checkpoint').write_text(str(trap))
        command = ['mim', 'train', 'mmpose', DEMO, '--resume']
    result = fresh(*command, '--work-dir', tmp_path / 'work', '--cfg-options',
                   *tiny_options(tmp_path), cwd=tmp_path)
    output = result.stdout + result.stderr
    assert result.returncode != 0 and not (tmp_path / 'sprung').exists()
    assert f'ValueError: {trap}: cannot be loaded: it holds posix.mkdir' in output, output[-2000:]
    assert 'weights_only=' not in output.split('Traceback')[0]


@pytest.mark.parametrize('of', ['model', 'det'])
def test_the_command_refuses_a_trap(trap, tmp_path, of):
    """It registers, and so guards, no sooner than it needs mmpose."""
    picture = tmp_path / 'grey.png'
    Image.new('RGB', (60, 80), 'grey').save(picture)
    where = (['--model', DEMO, trap, '--whole-image'] if of == 'model' else
             ['--model', 'ktn-mobilenetv2-open-body-small', '--det', DETECTOR, trap])
    result = fresh(sys.executable, '-W', 'ignore', '-m', 'ktn_mm', 'infer', picture, '--out',
                   tmp_path / 'out', *where, cwd=ROOT)
    assert result.returncode == 1 and not (tmp_path / 'sprung').exists()
    assert f'{trap}: cannot be loaded: it holds posix.mkdir' in result.stderr, result.stderr


def test_damaged_files_are_named(tmp_path):
    weights = torch.nn.Linear(200, 100).state_dict()
    torch.save(dict(state_dict=weights), tmp_path / 'whole.pth')
    content = (tmp_path / 'whole.pth').read_bytes()
    cases = dict(short=content[:-5000], text=b'hello\n', empty=b'')
    for name, damaged in cases.items():
        path = tmp_path / f'{name}.pth'
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f'{name}.pth: cannot be loaded') as caught:
            read_weights(str(path))
        assert 'weights_only' not in str(caught.value) and '\n' not in str(caught.value)
        assert caught.value.__suppress_context__


def test_missing_weights_that_a_tool_makes_name_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = Config.fromfile(DEMO).model.backbone.init_cfg.checkpoint
    with pytest.raises(FileNotFoundError, match=f'^{wanted}: no such checkpoint; ') as e:
        read_weights(wanted)
    tool, path = re.search(r'python (\S+) (\S+) makes it$', str(e.value)).groups()
    assert path == wanted and (Path(__file__).parents[2] / tool).is_file()
    with pytest.raises(FileNotFoundError, match='other.pth: no such checkpoint$'):
        read_weights('other.pth')


def test_the_guard_leaves_nothing_behind(tmp_path, monkeypatch):
    from mmengine.runner.checkpoint import CheckpointLoader
    guard_mmengine()
    guarded = CheckpointLoader.load_checkpoint.__func__
    guard_mmengine()
    assert CheckpointLoader.load_checkpoint.__func__ is guarded
    torch.save(dict(state_dict=line_weights()), tmp_path / 'good.pth')
    before = torch.serialization.get_safe_globals()
    for value in (None, '0'):
        if value is None:
            monkeypatch.delenv(SWITCH, raising=False)
        else:
            monkeypatch.setenv(SWITCH, value)
        read_weights(str(tmp_path / 'good.pth'))
        assert os.environ.get(SWITCH) == value
    assert set(torch.serialization.get_safe_globals()) == set(before)


def test_reading_weights(tmp_path):
    import numpy as np
    weights = torch.nn.Linear(2, 1).state_dict()
    meta = dict(dataset_meta=dict(sigmas=np.ones(17)), epoch=np.int64(3))
    torch.save(dict(state_dict=weights, meta=meta), tmp_path / 'good.pth')
    torch.save(weights, tmp_path / 'bare.pth')
    for name in ('good.pth', 'bare.pth'):
        read = read_weights(str(tmp_path / name))
        assert list(read) == ['weight', 'bias'] and torch.equal(read['bias'], weights['bias'])


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Serve a folder on this machine; return the folder and its address."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    folder = tmp_path / 'site'
    folder.mkdir()
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(SimpleHTTPRequestHandler,
                                                           directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


def test_addresses_are_read_as_safely_as_files(site, tmp_path):
    import numpy as np
    folder, address = site
    torch.save(dict(state_dict=dict(a=torch.ones(2)), meta=dict(sigmas=np.ones(17))),
               folder / 'good.pth')
    torch.save(dict(state_dict={}, meta=Trap(str(tmp_path / 'sprung'))), folder / 'bad.pth')
    assert torch.equal(read_weights(f'{address}/good.pth')['a'], torch.ones(2))
    with pytest.raises(ValueError, match='bad.pth: cannot be loaded: it holds posix.mkdir'):
        read_weights(f'{address}/bad.pth')
    assert not (tmp_path / 'sprung').exists()


def test_what_else_is_in_a_file_is_refused(tmp_path):
    trap = dict(state_dict={}, meta=Trap(str(tmp_path / 'sprung')))
    torch.save(trap, tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match='bad.pth: cannot be loaded: it holds posix.mkdir'):
        read_weights(str(tmp_path / 'bad.pth'))
    assert not (tmp_path / 'sprung').exists()
    torch.save(dict(epoch=3), tmp_path / 'empty.pth')
    with pytest.raises(ValueError, match='empty.pth: no tensors'):
        read_weights(str(tmp_path / 'empty.pth'))
    with pytest.raises(FileNotFoundError, match='none.pth'):
        read_weights(str(tmp_path / 'none.pth'))
