"""check_env: exit code 0 on a stack that works, and what it says about others."""
import subprocess
import sys
from pathlib import Path

import pytest

from ktn_mm import check_env

ROOT = Path(__file__).resolve().parents[2]


def test_this_stack_works():
    run = subprocess.run([sys.executable, '-m', 'ktn_mm.check_env'], cwd=ROOT, capture_output=True,
                         text=True)
    assert run.returncode == 0, run.stdout
    assert run.stdout.splitlines()[-1] == 'The stack works.'
    assert 'onedl' not in run.stdout.lower() or 'BAD' not in run.stdout


def test_an_mmcv_without_ops_is_found(capsys, monkeypatch):
    def broken(name):
        if name == 'mmcv.ops':
            raise ModuleNotFoundError("No module named 'mmcv._ext'")
    monkeypatch.setattr(check_env.importlib, 'import_module', broken)
    assert check_env.main() == 1
    out = capsys.readouterr().out
    assert 'BAD mmcv.ops' in out and 'MMCV_WITH_OPS=1' in out
    assert out.splitlines()[-1] == 'The stack does not work: mmcv.ops'


def test_a_missing_command_line_is_not_fatal(capsys, monkeypatch):
    def missing(name):
        if name == 'mim':
            raise ModuleNotFoundError("No module named 'mim'")
    monkeypatch.setattr(check_env.importlib, 'import_module', missing)
    assert check_env.main() == 0
    assert 'python -m ktn_mm.train' in capsys.readouterr().out


def test_an_operator_that_is_wrong_is_found(monkeypatch):
    import mmcv.ops
    import torch
    monkeypatch.setattr(mmcv.ops, 'nms', lambda *_: (None, torch.tensor([0, 1])))
    assert '[0, 1]' in check_env.look_at_operator().problem


@pytest.mark.parametrize('problem, advice', [
    ('ValueError: numpy.dtype size changed', 'numpy==1.26.4'),
    ("ModuleNotFoundError: No module named 'pkg_resources'", 'setuptools==80.10.2'),
    ('ImportError: libGL.so.1: cannot open shared object file', 'libgl1'),
    ('RuntimeError: operator torchvision::nms does not exist', 'torchvision==0.25.0'),
    ("ModuleNotFoundError: No module named 'mmcv._ext'", '--no-build-isolation'),
])
def test_known_problems_have_advice(problem, advice):
    assert advice in check_env.advise(problem)
