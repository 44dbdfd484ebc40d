import os
import pickle
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from ktn_mm.engine.safe_loading import read_weights

LOAD = ('import sys\n'
        'from ktn_mm.engine.safe_loading import load_weights_only\n'
        'load_weights_only()\n'
        'from mmengine.runner.checkpoint import load_checkpoint\n'
        'import torch\n'
        'load_checkpoint(torch.nn.Linear(2, 1), sys.argv[1])\n')


class Trap:
    """What an attacker's file looks like: reading it makes a folder."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.target, )


def load(path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, '-W', 'ignore', '-c', LOAD, str(path)],
                          capture_output=True, text=True)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    weights = torch.nn.Linear(2, 1).state_dict()
    torch.save(dict(state_dict=weights, meta=Trap(str(tmp_path / 'sprung'))), tmp_path / 'bad.pth')
    result = load(tmp_path / 'bad.pth')
    assert result.returncode != 0 and pickle.UnpicklingError.__name__ in result.stderr
    assert not (tmp_path / 'sprung').exists()


def test_what_mmengine_writes_is_read(tmp_path):
    import numpy as np
    from mmengine.logging import HistoryBuffer
    weights = torch.nn.Linear(2, 1).state_dict()
    hub = dict(loss=HistoryBuffer([1., 2.], [1, 1]), state=np.zeros(3, np.uint8))
    torch.save(dict(state_dict=weights, message_hub=hub), tmp_path / 'good.pth')
    result = load(tmp_path / 'good.pth')
    assert result.returncode == 0, result.stderr[-500:]


def test_reading_weights(tmp_path, monkeypatch):
    import numpy as np
    monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    weights = torch.nn.Linear(2, 1).state_dict()
    meta = dict(dataset_meta=dict(sigmas=np.ones(17)), epoch=np.int64(3))
    torch.save(dict(state_dict=weights, meta=meta), tmp_path / 'good.pth')
    torch.save(weights, tmp_path / 'bare.pth')
    for name in ('good.pth', 'bare.pth'):
        read = read_weights(str(tmp_path / name))
        assert list(read) == ['weight', 'bias'] and torch.equal(read['bias'], weights['bias'])
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ


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
    with pytest.raises(ValueError, match='bad.pth: not a checkpoint of weights alone'):
        read_weights(f'{address}/bad.pth')
    assert not (tmp_path / 'sprung').exists()


def test_what_else_is_in_a_file_is_refused(tmp_path):
    trap = dict(state_dict={}, meta=Trap(str(tmp_path / 'sprung')))
    torch.save(trap, tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match='bad.pth: not a checkpoint of weights alone'):
        read_weights(str(tmp_path / 'bad.pth'))
    assert not (tmp_path / 'sprung').exists()
    torch.save(dict(epoch=3), tmp_path / 'empty.pth')
    with pytest.raises(ValueError, match='empty.pth: no tensors'):
        read_weights(str(tmp_path / 'empty.pth'))
    with pytest.raises(FileNotFoundError, match='none.pth'):
        read_weights(str(tmp_path / 'none.pth'))
