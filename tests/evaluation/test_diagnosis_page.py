"""The example of docs/diagnosis.md runs and finds what it says that it does."""
import json
from pathlib import Path

from ktn_mm.evaluation.diagnosis_table import COLUMNS
from ktn_mm.synth.dataset import make_dataset

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'diagnosis.md'


def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_dataset('data/people', {'val': 5}, (256, 256), seed=3, dense=True, use_photos=False,
                 progress=False)
    exec(PAGE.read_text().split('```python\n')[1].split('```')[0], {})
    found = json.loads(Path('diagnosis/diagnosis.json').read_text())
    sides = {row['name']: row['left_right_accuracy'] for row in found['classes']}
    assert sides['left leg'] < .95 < .99 < sides['left arm']
    assert all(.006 < row[k] < .013 for row in found['overall'] for k in ('u_mse', 'v_mse'))
    ladder = [row['GPS/AP'] for row in found['bottleneck']]
    assert ladder[0] < ladder[1] < ladder[3] < ladder[-1] and ladder[-1] > .95


def test_every_column_is_explained():
    rows = [line.split('|')[1:3] for line in PAGE.read_text().splitlines()
            if line.startswith('|')]
    explained = {(head.strip(), name.strip(' `')) for heads, names in rows for head, name
                 in zip(heads.split(','), names.replace(' (metres)', '').split(','))}
    assert {(head, name) for name, (head, _) in COLUMNS.items()} <= explained
