"""The tool rebuilds the shipped graph from shipped material, and another from other material."""
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ktn_mm.knowledge import SOURCES, build_graph, load_counts, load_word_vectors
from ktn_mm.testing import make_relationships_twin

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
    pictures = sorted((tmp_path / 'pictures').iterdir())
    assert [p.name for p in pictures] == [f'graph_{s}.png' for s in sorted(SOURCES)]
    for picture in pictures:
        assert Image.open(picture).size[0] > 900


def test_other_relationships_and_recipe(tmp_path, monkeypatch):
    images = [dict(relationships=[dict(subject=dict(name='hand'), object=dict(name='arm'))] * 9)]
    (tmp_path / 'relationships.json').write_text(json.dumps(images))
    run(monkeypatch, tmp_path / 'graph.npz', '--recipe', 'official', '--relationships',
        tmp_path / 'relationships.json')
    expected = build_graph('keypoint', recipe='official', counts={frozenset(['hand', 'arm']): 9})
    with np.load(tmp_path / 'graph.npz') as graphs:
        np.testing.assert_array_equal(graphs['keypoint'], expected)
    (tmp_path / 'objects.json').write_text('[{"objects": []}]')
    with pytest.raises(ValueError, match='objects.json: every image must have "relationships"'):
        run(monkeypatch, tmp_path / 'graph.npz', '--relationships', tmp_path / 'objects.json')
    with pytest.raises(FileNotFoundError, match='none.json'):
        run(monkeypatch, tmp_path / 'graph.npz', '--relationships', tmp_path / 'none.json')


@pytest.mark.parametrize('binary', [True, False])
def test_other_word_vectors(tmp_path, monkeypatch, binary):
    rng = np.random.default_rng(0)
    vectors = {w: rng.normal(size=7).astype(np.float32) for w in ('of', *load_word_vectors())}
    path = tmp_path / ('v.bin' if binary else 'v.txt')
    if binary:
        path.write_bytes(f'{len(vectors)} 7\n'.encode() + b''.join(
            w.encode() + b' ' + v.tobytes() + b'\n' for w, v in vectors.items()))
    else:
        path.write_text(''.join(' '.join([w, *(repr(float(x)) for x in v)]) + '\n'
                                for w, v in vectors.items()))
    run(monkeypatch, tmp_path / 'graph.npz', '--word-vectors', path)
    with np.load(tmp_path / 'graph.npz') as graphs:
        for source in SOURCES:
            np.testing.assert_array_equal(graphs[source],
                                          build_graph(source, word_vectors=vectors))
            assert np.abs(graphs[source] - build_graph(source)).max() > 0.1


def peak_memory(*args) -> float:
    """Run the tool in a process of its own; return the most memory it held, in MB."""
    # getrusage would tell the memory of the process that started this one if it was larger
    code = ('import runpy, sys; sys.argv = sys.argv[1:]; '
            "runpy.run_path(sys.argv[0], run_name='__main__'); "
            "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))")
    done = subprocess.run(
        [sys.executable, '-c', code, str(TOOL), *map(str, args)], capture_output=True, text=True,
        env=dict(os.environ, PYTHONPATH=str(TOOL.parents[1])))
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-2]) / 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    words = ('hand', 'arm', 'leg', 'foot', 'head', 'torso', 'person', 'knee', 'sleeve')
    used = {}
    for megabytes in (1, 60):
        path = tmp_path / f'{megabytes}.json'
        true = make_relationships_twin(path, words, megabytes=megabytes)
        assert path.stat().st_size > megabytes * 1e6
        used[megabytes] = peak_memory(
            tmp_path / 'graph.npz', '--relationships', path, '--save-counts',
            tmp_path / 'counts.json')
        counted = load_counts(tmp_path / 'counts.json')
        kept = {pair: n for pair, n in true.items() if 'sleeve' not in pair}
        assert {pair: n for pair, n in counted.items() if n} == kept
    assert used[60] < 150
    assert used[60] - used[1] < 20  # of the 59 MB that are more
