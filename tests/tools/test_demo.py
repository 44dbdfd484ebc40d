"""What the demo remembers of its run, the curve it prints, and how it is interrupted."""
import argparse
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return runpy.run_path(str(TOOLS / 'demo.py'))


def log(folder, *entries):
    folder = folder / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, entries)))


def scored(epoch, value):
    names = ('GPS/AP', 'GPS/AP50', 'GPS/AP75', 'GPSm/AP', 'GPSm/AP50', 'GPSm/AP75')
    return dict({f'densepose/{name}': value + n / 100 for n, name in enumerate(names)},
                time=1., step=epoch)


def test_curve_of_a_run_that_was_resumed(demo, tmp_path):
    log(tmp_path / '20260101_000000', dict(loss=3., step=10), scored(2, .1), scored(4, .2))
    log(tmp_path / '20260101_000001', scored(4, .3), dict(loss=2., step=80), scored(10, .5))
    (tmp_path / '20260101_000002').mkdir()
    with open(tmp_path / '20260101_000000/vis_data/scalars.json', 'a') as file:
        file.write('\n{"densepose/GPS/AP": 0.')  # where a process was killed
    scores = demo['curve'](tmp_path)
    assert [e['epoch'] for e in scores] == [2, 4, 10]
    assert [e['densepose/GPS/AP'] for e in scores] == [.1, .3, .5]
    head, *lines = demo['curve_table'](scores).splitlines()
    assert head.split() == ['epoch', 'GPS/AP', 'GPS/AP50', 'GPS/AP75', 'GPSm/AP', 'GPSm/AP50',
                            'GPSm/AP75']
    assert [line.split()[:3] for line in lines] == [['2', '0.100', '0.110'],
                                                    ['4', '0.300', '0.310'],
                                                    ['10', '0.500', '0.510']]


def test_whatever_changes_the_result_changes_the_record(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (demo['DATA'] / 'annotations').mkdir(parents=True)
    (demo['DATA'] / 'settings.json').write_text('{}')
    truth = demo['DATA'] / 'annotations' / 'densepose_open_train.json'
    truth.write_text('[1]')
    demo['WEIGHTS'].write_text('weights')

    def record(train=3, options=()):
        return demo['made_of'](argparse.Namespace(train=train, val=2, cfg_options=list(options)))

    first = record()
    assert json.loads(json.dumps(first)) == first == record()

    def changed(**now):
        return demo['run_record'].differences(first, record(**now))

    assert changed(train=4) == ['pictures'] and changed(options=['a=1']) == ['options']
    truth.write_text('[1, 2]')
    assert changed() == ['data']
    demo['WEIGHTS'].write_text('others')
    assert changed() == ['data', 'weights']
    base = tmp_path / 'config.py'
    base.write_text(f"_base_ = '{demo['CONFIG']}'\nrandomness = dict(seed=1)\n")
    monkeypatch.setitem(demo['made_of'].__globals__, 'CONFIG', base)
    package = tmp_path / 'source' / 'ktn_mm'
    package.mkdir(parents=True)
    (package / 'module.py').write_text('pass')
    monkeypatch.setitem(demo['made_of'].__globals__, 'ROOT', package.parent)
    assert changed() == ['config', 'data', 'source', 'weights']


INTERRUPTED = """
import runpy, subprocess, sys
from types import SimpleNamespace
tools, out, command = sys.argv[1:]
sys.path.insert(0, tools)
popen = subprocess.Popen  # every command of the demo is this one
subprocess.Popen = lambda words, **options: popen([sys.executable, '-c', command, out], **options)
stub = SimpleNamespace(DensePoseInferencer=None, contact_sheet=None)
sys.modules.update({'ktn_mm.apis': stub, 'ktn_mm.visualization': stub})
sys.argv = ['demo.py', '--out', out]
runpy.run_path(f'{tools}/demo.py', run_name='__main__')
"""
COMMAND = """
import os, pathlib, sys, time
os.fork()
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
time.sleep(300)
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_takes_one_line_and_ends_what_runs(tmp_path, number):
    with subprocess.Popen([sys.executable, '-c', INTERRUPTED, str(TOOLS), str(tmp_path), COMMAND],
                          stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                          env={**os.environ, 'KTN_MM_MALLOC': 'default'},
                          # nohup and shells without jobs have it ignored
                          preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)) as process:
        deadline = time.monotonic() + 120
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert said.splitlines() == ['interrupted; the same command goes on']
    deadline = time.monotonic() + 30
    while any(map(alive, tmp_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(list(tmp_path.iterdir())) == 2 and not any(map(alive, tmp_path.iterdir()))


def alive(named: Path) -> bool:
    """Tell whether the process runs whose number is the name of a file."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(int(named.name)).status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.parametrize('option', ['--train', '--val', '--workers'])
def test_nothing_to_train_on_or_to_score_is_refused_at_once(demo, monkeypatch, capsys, option):
    monkeypatch.setattr(sys, 'argv', ['demo.py', option, '0'])
    with pytest.raises(SystemExit, match='^2$'):
        demo['parse_args']()
    assert f'{option} must be at least 1' in capsys.readouterr().err
