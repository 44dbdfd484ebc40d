"""The paper dolls of the tests."""
import json
from pathlib import Path

import numpy as np
import pytest

from ktn_mm.surface.charts import SURFACE_TWIN
from ktn_mm.testing import body_at, make_tiny_dataset


def test_same_seed_same_files(tmp_path):
    first, second, other = (make_tiny_dataset(tmp_path / str(i), num_images=1, seed=seed)
                            for i, seed in enumerate((5, 5, 6)))
    read = [Path(t.ann_file).read_text() for t in (first, second, other)]
    assert read[0] == read[1] != read[2]
    pictures = [(Path(t.img_dir) / 'tiny_000001.png').read_bytes()
                for t in (first, second, other)]
    assert pictures[0] == pictures[1] != pictures[2]


def test_the_doll_is_symmetric_but_for_its_raised_arm():
    points = np.random.default_rng(0).uniform(0, 1, (4000, 2))
    surface, uv = body_at(points)
    mirrored, _ = body_at(points * (-1, 1) + (1, 0))
    other = np.unique(surface[mirrored != SURFACE_TWIN[surface]])
    assert set(other) == {0, 3, 4, 15, 16, 19, 20}
    assert set(surface) == {0, 2, 3, 4, 5, 6, 9, 10, 13, 14, 15, 16, 19, 20, 23, 24}
    assert uv.min() >= 0 and uv.max() <= 1


def test_kinds(tmp_path):
    tiny = make_tiny_dataset(tmp_path, num_images=1,
                             kinds=('dense', 'plain', 'crowd', 'silhouette'))
    people = json.loads(Path(tiny.ann_file).read_text())['annotations']
    assert [('dp_x' in p, type(p.get('dp_masks')), p['iscrowd']) for p in people] == [
        (True, list, 0), (False, type(None), 0), (False, type(None), 1), (True, dict, 0)]
    assert [bool(mask) for mask in people[0]['dp_masks']] == [True] * 14
    assert len(json.loads(Path(tiny.bbox_file).read_text())) == 5
    with pytest.raises(ValueError, match='ghost'):
        make_tiny_dataset(tmp_path, kinds=('ghost',))
