from pathlib import Path

import pytest

from ktn_mm.cli import app, main

ROOT = Path(__file__).resolve().parents[2]


def test_without_gradio_the_command_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(app, 'find_spec', lambda name: None)
    assert main(['app', '--model', 'config.py', 'weights.pth']) == 1
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and f"pip install '{app.GRADIO}'" in said


def test_the_version_that_it_names_is_the_one_of_the_extra():
    from setuptools.config.pyprojecttoml import load_file
    project = load_file(ROOT / 'pyproject.toml')['project']
    assert project['optional-dependencies']['app'] == [app.GRADIO]


@pytest.mark.parametrize('more', [('--bboxes', '0,0,5,5'), ('--whole-image',)])
def test_the_page_asks_for_boxes_itself(more, capsys):
    with pytest.raises(SystemExit):
        main(['app', '--model', 'config.py', 'weights.pth', *more])
    assert 'unrecognized' in capsys.readouterr().err


def test_a_missing_checkpoint_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(app, 'find_spec', lambda name: object())
    assert main(['app', '--model', 'config.py', 'nowhere.pth']) == 1
    assert 'config.py' in capsys.readouterr().err
