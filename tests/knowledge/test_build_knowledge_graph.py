"""The tool rebuilds the shipped graph from shipped material, and another from other material."""
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from ktn_mm.knowledge import SOURCES, build_graph, load_counts

TOOL = Path(__file__).parents[2] / 'tools' / 'build_knowledge_graph.py'


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
    runpy.run_path(str(TOOL), run_name='__main__')


def test_shipped_material_gives_the_shipped_graph(tmp_path, monkeypatch):
    run(monkeypatch, tmp_path / 'graph.npz', '--save-counts', tmp_path / 'counts.json',
        '--pictures', tmp_path / 'pictures')
    with np.load(tmp_path / 'graph.npz') as graphs:
        assert set(graphs) == set(SOURCES)
        for source in SOURCES:
            np.testing.assert_array_equal(graphs[source], build_graph(source))
    assert load_counts(tmp_path / 'counts.json') == load_counts()
    assert len(list((tmp_path / 'pictures').glob('*.png'))) == 12


def test_other_relationships_and_recipe(tmp_path, monkeypatch):
    images = [dict(relationships=[dict(subject=dict(name='hand'), object=dict(name='arm'))] * 9)]
    (tmp_path / 'relationships.json').write_text(json.dumps(images))
    run(monkeypatch, tmp_path / 'graph.npz', '--recipe', 'official', '--relationships',
        tmp_path / 'relationships.json')
    expected = build_graph('keypoint', recipe='official', counts={frozenset(['hand', 'arm']): 9})
    with np.load(tmp_path / 'graph.npz') as graphs:
        np.testing.assert_array_equal(graphs['keypoint'], expected)
    with pytest.raises(FileNotFoundError, match='none.json'):
        run(monkeypatch, tmp_path / 'graph.npz', '--relationships', tmp_path / 'none.json')
