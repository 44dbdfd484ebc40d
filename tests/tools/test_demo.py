"""What the demo remembers of its run, and the curve it prints."""
import argparse
import json
import runpy
from pathlib import Path

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
