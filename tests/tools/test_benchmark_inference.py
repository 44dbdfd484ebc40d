import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmarks' / 'inference.py'
ARGUMENTS = SimpleNamespace(rounds=3, threads=1)


@pytest.fixture
def tool(monkeypatch):
    """The module, which builds no network here."""
    network = MagicMock()
    network.head.decoder.input_size = network.model.head.decoder.input_size = 8, 16
    monkeypatch.setattr('torch.set_num_threads', lambda threads: None)
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    monkeypatch.syspath_prepend(TOOL.parent)
    for name in ('backends.build_backend', 'stopwatch.inference', 'DensePoseInferencer',
                 'onnxruntime_backend.OnnxruntimeBackend'):
        monkeypatch.setattr(f'ktn_mm.apis.{name}', lambda *args, **kwargs: network)
    spec = importlib.util.spec_from_file_location('benchmark_inference', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make_peer, module.network = MagicMock(), network
    return module


@pytest.fixture
def last(monkeypatch):
    """Return a function that says how many seconds everything takes in the median."""
    def say(seconds):
        def interleave(contenders, rounds, **clock):
            assert contenders.keys() == seconds.keys()
            return {name: np.array([99., s, 0.]) for name, s in seconds.items()}
        monkeypatch.setattr('ktn_mm.apis.stopwatch.interleave', interleave)
    return say


@pytest.mark.slow
def test_everything_is_measured(tmp_path):
    out = tmp_path / 'new' / 'inference.json'
    done = subprocess.run([sys.executable, str(TOOL), '--quick', '--out', str(out)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert list(report) == ['networks', 'steps', 'pictures', 'pasting', 'memory']
    networks = report['networks']
    assert all(seconds > 0 for seconds in networks.values())
    # the small network in place of both, far smaller than mmpose's
    assert networks['KTN'] < networks['td-hm_res50']
    assert networks['KTN: MID'] + networks['KTN: predictors'] < networks['KTN']
    for row in report['steps'].values():
        assert list(row['seconds']) == ['read', 'crop', 'network', 'decode', 'paste', 'write']
    assert '| td-hm_res50 |' in done.stdout and '| onnxruntime, people: 5 |' in done.stdout
    assert all(.05 < gigabytes < 4 for gigabytes in report['memory'].values())


def test_networks_are_timed_by_the_person(tool, last, tmp_path):
    models = {'KTN': tool.network, 'lean KTN': tool.network}
    names = ['td-hm_res50', *models, *(f'{name}{part}' for name in models
                                       for part in (', onnxruntime', ': MID', ': predictors'))]
    last(dict(zip(names, (1.6, 2.4, .8, 1.2, 1., .4, .2, .4, .2), strict=True)))
    found = tool.measure_networks(models, tmp_path, ARGUMENTS)
    assert found == pytest.approx(
        dict(zip(names, (.4, .6, .2, .3, .25, .1, .05, .1, .05), strict=True)))
    table = tool.tables(dict(networks=found)).splitlines()
    assert {'| td-hm_res50 | 0.400 | 1.00 |', '| KTN | 0.600 | 1.50 |', '| KTN | 0.50 |',
            '| lean KTN | 0.25 |'} <= set(table)


def test_steps_are_what_is_left_of_longer_ways(tool, last, tmp_path):
    last({'read': 1., 'paste': 2., 'write': 5., 'pytorch: crop': 3., 'pytorch: network': 20.,
          'pytorch: network and decode': 24., 'onnxruntime: crop': 4.,
          'onnxruntime: network': 10., 'onnxruntime: network and decode': 9.})
    found = tool.measure_steps(tmp_path, ARGUMENTS)
    steps = ('read', 'crop', 'network', 'decode', 'paste', 'write')
    assert found == dict(
        pytorch=dict(seconds=dict(zip(steps, (1, 3, 20, 4, 2, 3), strict=True)),
                     around_to_network=pytest.approx(13 / 20)),
        onnxruntime=dict(seconds=dict(zip(steps, (1, 4, 10, 0, 2, 3), strict=True)),
                         around_to_network=1))
    assert tool.tables(dict(steps=found)).splitlines()[-1] == (
        '| onnxruntime | 5.0% | 20.0% | 50.0% | 0.0% | 10.0% | 15.0% | 100.0% |')


def test_pictures_pixels_and_memory(tool, last, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, 'DETECTRON2', {1: 4., 5: 5.})
    last({('pytorch', 1): 8., ('pytorch', 5): 5., ('onnxruntime', 1): 2., ('onnxruntime', 5): 4.})
    pictures = tool.measure_pictures(tmp_path, ARGUMENTS)
    assert pictures == dict(
        pytorch={'1': dict(seconds=8, to_detectron2=2), '5': dict(seconds=5, to_detectron2=1)},
        onnxruntime={'1': dict(seconds=2, to_detectron2=.5),
                     '5': dict(seconds=4, to_detectron2=pytest.approx(.8))})
    last({'100x150': .015, '200x400': .04, '500x1000': 1.})
    pasting = tool.measure_pasting(ARGUMENTS)
    assert pasting == pytest.approx({'100x150': 1, '200x400': .5, '500x1000': 2})
    table = tool.tables(dict(pictures=pictures, pasting=pasting, memory=dict(pytorch=1.5)))
    assert {'| pytorch, people: 1 | 8.00 | 2.00 |', '| onnxruntime, people: 5 | 4.00 | 0.80 |',
            '| 200x400 | 0.500 |', '| pytorch | 1.50 |'} <= set(table.splitlines())


def test_help():
    done = subprocess.run([sys.executable, str(TOOL), '--help'], capture_output=True, text=True)
    assert done.returncode == 0 and 'interleaved' in done.stdout


def test_only_what_was_asked_for_is_measured():
    done = subprocess.run([sys.executable, str(TOOL), '--quick', '--only', 'pasting'],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = [line for line in done.stdout.splitlines() if line.startswith('|')]
    assert table[0] == '| person | microseconds a box pixel |' and len(table) == 5
    done = subprocess.run([sys.executable, str(TOOL), '--threads', '0'], capture_output=True,
                          text=True)
    assert done.returncode == 2 and 'must be at least 1' in done.stderr
