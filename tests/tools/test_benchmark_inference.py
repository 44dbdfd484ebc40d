import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmarks' / 'inference.py'


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
