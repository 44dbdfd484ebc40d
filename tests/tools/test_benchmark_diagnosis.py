import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmarks' / 'diagnosis.py'


def test_every_stage_is_measured(tmp_path):
    done = subprocess.run([sys.executable, str(TOOL), str(tmp_path), '--images', '6'],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.strip().split('\n')
    assert first == '120 detections'
    stages = {line.rsplit(maxsplit=4)[0]: float(line.split()[-4]) for line in lines}
    assert list(stages) == ['measure', 'measure, filled', 'measure, parts', 'evaluate',
                            'diagnose', 'part figures']
    assert all(seconds > 0 for seconds in stages.values())
