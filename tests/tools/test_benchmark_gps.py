import json
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmarks' / 'gps.py'


def run(*arguments):
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True,
                          text=True)


def test_every_stage_is_measured(tmp_path):
    out = tmp_path / 'figures.json'
    options = ('--runs', 1, '--template', 'open body', '--out', out)
    done = run(tmp_path / 'files', '--images', 6, *options)
    assert done.returncode == 0, done.stderr
    figures, = json.loads(out.read_text()).values()
    assert {'annotation file', 'result file', 'sampling', 'point distances', 'matching',
            'summary'} <= set(figures['stages'])
    assert all(row['seconds'] > 0 < row['peak_mb'] for row in figures['stages'].values())
    assert figures['computed_pairs'] > 20
    assert figures['figures']['segm/AP'] > 0
    assert run(tmp_path / 'files', '--images', 7, *options).returncode != 0
