import os
import pickle
import subprocess
import sys

import torch

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
