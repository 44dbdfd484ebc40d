"""The restart with memory settings: when it happens, and that it keeps the command line."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ktn_mm.engine import memory

MODULE = Path(memory.__file__)


@pytest.fixture
def plain(monkeypatch):
    """A glibc machine without a GPU and without any of the variables."""
    for name in (*memory.MEMORY_SETTINGS, memory.SWITCH, 'LD_PRELOAD'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(memory.platform, 'libc_ver', lambda: ('glibc', '2.36'))
    monkeypatch.setattr(memory, 'has_gpu', lambda: False)


def test_a_plain_cpu_process_lacks_all(plain):
    assert memory.missing_settings() == memory.MEMORY_SETTINGS


def test_what_the_user_set_stays(plain, monkeypatch):
    monkeypatch.setenv('MALLOC_TOP_PAD_', '1')
    assert 'MALLOC_TOP_PAD_' not in memory.missing_settings()
    assert len(memory.missing_settings()) == len(memory.MEMORY_SETTINGS) - 1


@pytest.mark.parametrize('name, value', [
    ('KTN_MM_MALLOC', 'default'), ('KTN_MM_MALLOC', 'set'),
    ('LD_PRELOAD', 'libjemalloc.so.2'), ('LD_PRELOAD', 'libtcmalloc.so')])
def test_switches_leave_the_process_alone(plain, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert memory.missing_settings() == {}


def test_a_gpu_or_another_libc_leaves_the_process_alone(plain, monkeypatch):
    monkeypatch.setattr(memory, 'has_gpu', lambda: True)
    assert memory.missing_settings() == {}
    monkeypatch.setattr(memory, 'has_gpu', lambda: False)
    monkeypatch.setattr(memory.platform, 'libc_ver', lambda: ('', ''))
    assert memory.missing_settings() == {}


@pytest.mark.parametrize('hidden', ['', '-1'])
def test_hidden_gpus_do_not_count(monkeypatch, hidden):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', hidden)
    monkeypatch.setattr(memory.Path, 'exists', lambda self: True)
    assert not memory.has_gpu()
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '0')
    assert memory.has_gpu()


def test_a_restart_happens_once_and_keeps_the_arguments(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(
        'import os, runpy, sys\n'
        f'module = runpy.run_path({str(MODULE)!r})\n'
        "module['restart_with_memory_settings']()\n"
        "print(os.getpid(), os.environ['MALLOC_MMAP_MAX_'], sys.argv[1:])\n")
    environ = {name: value for name, value in os.environ.items()
               if name not in (*memory.MEMORY_SETTINGS, memory.SWITCH, 'LD_PRELOAD')}
    process = subprocess.Popen([sys.executable, '-W', 'ignore', str(script), '--lr', 'a b'],
                               env={**environ, 'CUDA_VISIBLE_DEVICES': ''}, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    assert out == f"{process.pid} 0 ['--lr', 'a b']\n"      # the same process, started anew
    assert err.count('KTN-MM: no GPU') == 1 and err.count('\n') == 1
