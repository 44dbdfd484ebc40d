import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ktn_mm.testing import make_tiny_dataset

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def browse(config, tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location('browse', ROOT / 'tools/browse_dataset.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    paths = make_tiny_dataset(tmp_path / 'dolls', num_images=3)
    options = [f'train_dataloader.dataset.{key}={value}' for key, value in dict(
        data_root='', ann_file=paths.ann_file).items()]
    options.append(f'train_dataloader.dataset.data_prefix.img={paths.img_dir}/')

    def run(*args):
        out = () if '--points' in args and '--out' not in args else ('--out', tmp_path / 'sheets')
        monkeypatch.setattr(sys, 'argv', ['browse_dataset.py', config, *map(str, (*out, *args)),
                                          '--cfg-options', *options])
        return tool.main()
    run.tool = tool
    return run


def test_people_are_drawn_in_rows_of_sheets(browse, tmp_path, capsys):
    assert browse('--count', 5, '--repeat', 2, '--scale', 1) == 0
    assert '10 people of 6' in capsys.readouterr().out
    sheets = sorted((tmp_path / 'sheets').iterdir())
    assert [p.name for p in sheets] == ['sheet_001.png', 'sheet_002.png']
    first, second = (cv2.imread(str(p)) for p in sheets)
    # 8 rows and 2 rows of 128 pixels, 6 panels of 96, 4 between them, 28 for titles
    assert first.shape == (28 + 8 * 132, 6 * 100 + 4, 3) and second.shape[0] == 28 + 2 * 132
    row = [[first[28 + r * 132:28 + r * 132 + 128, 4 + c * 100:100 + c * 100] for c in range(6)]
           for r in range(8)]
    # the same person twice, augmented anew
    assert not np.array_equal(row[0][0], row[1][0])
    # dolls are annotated in turn densely and with keypoints only: no parts are known then
    assert len(np.unique(row[0][4].reshape(-1, 3), axis=0)) > 20
    assert row[0][5].max() > row[2][4].max()


def test_existing_sheets_stay_and_the_end_is_told(browse, tmp_path):
    assert browse('--count', 1) == 0
    with pytest.raises(FileExistsError, match='sheet_001.png exists'):
        browse('--count', 1)
    assert browse('--count', 1, '--overwrite') == 0
    with pytest.raises(ValueError, match='has 6 people'):
        browse('--start', 6)


def test_points_are_counted_by_surface(browse, capsys, tmp_path):
    assert browse('--points', '--count', 6) == 0
    said = capsys.readouterr().out
    rows = [line.strip('| ').split(' | ') for line in said.splitlines() if line.startswith('|')]
    points = {name: int(count.replace(',', '')) for name, count, _ in rows[2:]}
    assert len(points) == 24 and points['torso front'] > points['left hand'] > 0
    assert f'6 people, {sum(points.values()) / 6:.1f} points each' in said
    assert not (tmp_path / 'sheets').exists()


def test_counts_are_those_of_the_targets(browse, capsys):
    def person(*surfaces):
        labels = SimpleNamespace(dp_surfaces=np.array([[*surfaces, 0, 0]]))
        return {'data_samples': SimpleNamespace(gt_instance_labels=labels)}

    people = [person(), person(2, 2, 24), person(2, *range(1, 25))]
    browse.tool.print_points(people, [0, 1, 2])
    said = capsys.readouterr().out
    assert '| torso back | 1 | 3.6 |\n| torso front | 4 | 14.3 |' in said
    assert '3 people, 9.3 points each; the most frequent surface has 4.0 times' in said
    with pytest.raises(ValueError, match='none of the 1 people has points'):
        browse.tool.print_points(people, [0, 0])


def test_sheets_or_points(browse, capsys):
    with pytest.raises(SystemExit):
        browse('--points', '--out', 'sheets')
    assert 'not allowed with' in capsys.readouterr().err
