import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from ktn_mm.evaluation import GroundTruth, evaluate, read_results, to_record, write_results
from ktn_mm.evaluation.diagnosis import diagnose
from ktn_mm.evaluation.diagnosis_table import diagnosis_table
from ktn_mm.evaluation.part_figures import part_figures
from ktn_mm.surface import OPEN_BODY, SurfaceTemplate

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools/evaluate.py'
NEEDED = ('numpy', 'scipy', 'pycocotools', 'PIL', 'tqdm', 'ktn_mm')
BARE = f'''
import runpy, sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

class Only:
    """Finds the standard library and {NEEDED}, as if nothing else were installed."""

    find_distributions = PathFinder.find_distributions

    @staticmethod
    def find_spec(name, path=None, target=None):
        known = name.split('.')[0] in {{*sys.stdlib_module_names, *{NEEDED}}}
        known |= name.startswith('_sysconfigdata')
        return PathFinder.find_spec(name, path, target) if known else None

sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Only]
sys.argv[:] = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
'''


def boxes_and_pictures(rng, size):
    """Return a box and the picture of a person made of four surfaces."""
    box = [round(float(v), 2) for v in (*rng.uniform(0, 60, 2), *rng.uniform(60, 130, 2))]
    h, w = int(box[3]), int(box[2])
    y, x = np.mgrid[:h, :w]
    surface = 1 + 2 * (y * 2 // h) + x * 2 // w
    uv = rng.integers(0, 256, (2, 1, 1)) // 2 + np.stack([x * 100 // w, y * 100 // h])
    return box, np.stack([surface, *uv]).astype(np.uint8)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Make an annotation of six persons, and results that find them more or less."""
    folder = tmp_path_factory.mktemp('results')
    rng = np.random.default_rng(0)
    images = [dict(id=n, height=200, width=200) for n in (4, 9, 2)]
    annotations, records = [], []
    for n in range(6):
        box, picture = boxes_and_pictures(rng, 200)
        y, x = rng.integers(0, picture.shape[1:], (40, 2)).T
        i, u, v = picture[:, y, x].astype(float)
        polygon = [box[0], box[1], box[0] + box[2], box[1], box[0] + box[2], box[1] + box[3],
                   box[0], box[1] + box[3]]
        annotations.append(dict(
            id=n + 1, image_id=images[n % 3]['id'], category_id=1, bbox=box, iscrowd=0,
            area=box[2] * box[3], segmentation=[polygon],
            dp_x=((x + .5) * 255 / box[2]).tolist(), dp_y=((y + .5) * 255 / box[3]).tolist(),
            dp_I=i.tolist(), dp_U=(u / 255).tolist(), dp_V=(v / 255).tolist()))
        picture[1:] = np.clip(picture[1:] + rng.normal(0, 12 * n, picture[1:].shape), 0, 255)
        picture[:, :, :7 * n] = 0
        records.append(to_record(picture, box, rng.random(), images[n % 3]['id']))
    data = dict(images=images, annotations=annotations, categories=[dict(id=1, name='person')])
    (folder / 'people.json').write_text(json.dumps(data))
    odd = [annotations[0] | dict(dp_U=None), *annotations[1:]]
    (folder / 'odd.json').write_text(json.dumps(data | dict(annotations=odd)))
    everything = mask_utils.encode(np.ones((256, 256), np.uint8, order='F'))
    torso = dict(size=[256, 256], counts=everything['counts'].decode('ascii'))
    for annotation in annotations:
        annotation['dp_masks'] = [torso] + [[]] * 13
    (folder / 'parted.json').write_text(json.dumps(data))
    for annotation in annotations:
        for key in [k for k in annotation if k.startswith('dp_')]:
            del annotation[key]
    (folder / 'plain.json').write_text(json.dumps(data))
    write_results(records, folder / 'results.json')
    write_results([], folder / 'empty.json')
    bad = [records[0], records[1] | dict(score=float('nan')), records[2] | dict(image_id=77),
           records[3] | dict(image_id='x'), 5, records[4]]
    (folder / 'bad.json').write_text(json.dumps(bad))
    (folder / 'broken.json').write_text(json.dumps(records)[:-100])
    (folder / 'no_template.npz').write_bytes(b'PK')
    return folder


@pytest.fixture
def run(folder, tmp_path):
    def command(*arguments, bare=False):
        start = [sys.executable, '-c', BARE] if bare else [sys.executable]
        return subprocess.run([*start, str(TOOL), *map(str, arguments)], cwd=folder,
                              capture_output=True, text=True)
    return command


def test_without_torch_and_openmmlab(run, folder, tmp_path):
    """Nothing but what NEEDED lists is found; several processes; every figure to the last bit."""
    out = tmp_path / 'numbers.json'
    done = run('people.json', 'results.json', '--out', out, '--jobs', 2, bare=True)
    assert done.returncode == 0, done.stderr
    truth = GroundTruth.load(folder / 'people.json')
    read = read_results(folder / 'results.json', truth)
    expected = evaluate(truth, read.detections, SurfaceTemplate.load())
    numbers = json.loads(out.read_text())
    assert numbers['figures'] == expected
    assert None not in numbers['versions'].values()
    assert .2 < expected['GPS/AP'] < .98 and .2 < expected['GPSm/AP'] < .98
    assert f'{100 * expected["GPSm/AP"]:.1f}' in done.stdout
    assert 'open body' in done.stderr and 'Traceback' not in done.stderr


def test_numbers_tell_where_they_come_from(run, folder, tmp_path):
    out = tmp_path / 'new' / 'numbers.json'
    done = run('people.json', 'results.json', '--out', out, '--template', OPEN_BODY, '--kinds',
               'GPS', '--min-threshold', '0.2')
    assert done.returncode == 0, done.stderr
    numbers = json.loads(out.read_text())
    for key, path in (('ground_truth', folder / 'people.json'), ('template', OPEN_BODY),
                      ('results', folder / 'results.json')):
        assert numbers[key]['sha256'] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert numbers['ground_truth'].items() >= dict(
        file='people.json', images=3, persons=6, annotated=6).items()
    assert numbers['template']['name'] == 'open_body'
    assert numbers['results']['detections'] == 6
    assert numbers['protocol'].items() >= dict(compat='detectron2', kinds=['GPS']).items()
    assert len(numbers['protocol']['thresholds']) == 16 and 'GPS/AP20' in numbers['figures']
    assert not any('GPSm' in name for name in numbers['figures'])
    assert {'numpy', 'scipy', 'pycocotools', 'pillow', 'ktn_mm', 'python'} == set(
        numbers['versions'])
    assert set(numbers['seconds']) == {'ground_truth', 'results', 'scoring'}
    assert numbers['warnings'] == [] and numbers['skipped']['count'] == 0
    assert [p.name for p in out.parent.iterdir()] == ['numbers.json']


def test_no_compat_is_another_protocol(run, folder, tmp_path):
    out = tmp_path / 'numbers.json'
    assert run('people.json', 'results.json', '--out', out, '--no-compat').returncode == 0
    numbers = json.loads(out.read_text())
    truth = GroundTruth.load(folder / 'people.json', compat=None)
    read = read_results(folder / 'results.json', truth)
    assert numbers['figures'] == evaluate(truth, read.detections, SurfaceTemplate.load())
    assert numbers['protocol']['compat'] is None


def test_bad_annotation_is_left_out_on_demand_only(run, tmp_path):
    done = run('odd.json', 'results.json')
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(
        "error: odd.json: annotation 1: dp_U (has ['dp_x', ")
    out = tmp_path / 'numbers.json'
    done = run('odd.json', 'results.json', '--skip-bad', '--out', out)
    assert done.returncode == 0, done.stderr
    numbers = json.loads(out.read_text())
    assert numbers['ground_truth']['annotated'] == 5
    warning = 'odd.json: 1 x dense annotation left out, field of the points is missing'
    assert numbers['warnings'][0].startswith(warning) and warning in done.stderr


def test_bad_entries_are_left_out_on_demand_only(run, tmp_path):
    done = run('people.json', 'bad.json')
    assert done.returncode == 1
    assert 'error: result file bad.json: entry 1: score must be a finite number, got nan' in (
        done.stderr)
    out = tmp_path / 'numbers.json'
    done = run('people.json', 'bad.json', '--skip-bad', '--out', out)
    assert done.returncode == 0, done.stderr
    assert 'left out 4 of 6 entries' in done.stderr
    assert '2  unknown image; first entry 2: image_id 77 is not in people.json' in done.stderr
    numbers = json.loads(out.read_text())
    assert numbers['skipped']['count'] == 4
    assert numbers['skipped']['reasons'] == {'unknown image': 2, 'bad score': 1, 'no record': 1}
    assert [bad['index'] for bad in numbers['skipped']['entries']] == [1, 2, 3, 4]
    assert numbers['results']['detections'] == 2


def test_diagnosis_and_parts(run, folder, tmp_path):
    out, why = tmp_path / 'numbers.json', tmp_path / 'new' / 'why'
    done = run('parted.json', 'results.json', '--out', out, '--parts', '--diagnosis', why,
               '--jobs', 2)
    assert done.returncode == 0, done.stderr
    truth = GroundTruth.load(folder / 'parted.json')
    found = read_results(folder / 'results.json', truth, filled=True, parts=True).detections
    body = SurfaceTemplate.load()
    expected = {**evaluate(truth, found, body), **part_figures(truth, found).to_dict()}
    assert json.loads(out.read_text())['figures'] == expected
    assert expected['parts/mIoU'] > .1 and 'right hand' in done.stdout
    diagnosis = diagnose(truth, found, body)
    assert json.loads((why / 'diagnosis.json').read_text()) == diagnosis.to_dict()
    assert diagnosis_table(diagnosis) in done.stdout
    assert sorted(p.name for p in why.iterdir()) == ['diagnosis.json', 'diagnosis.png',
                                                     'diagnosis.txt']


def test_diagnosis_without_matplotlib(run, tmp_path):
    done = run('people.json', 'results.json', '--diagnosis', tmp_path / 'why', bare=True)
    assert done.returncode == 1 and not (tmp_path / 'why').exists()
    assert done.stderr.startswith('error: --diagnosis needs matplotlib')
    assert len(done.stderr.strip().split('\n')) == 1


def test_an_empty_list_has_no_figures(run, tmp_path):
    out = tmp_path / 'numbers.json'
    done = run('people.json', 'empty.json', '--skip-bad', '--out', out)
    assert done.returncode == 0, done.stderr
    assert 'warning: no dense pose to evaluate; all figures are -1' in done.stderr
    assert set(json.loads(out.read_text())['figures'].values()) == {-1}


@pytest.mark.parametrize('arguments, words', [
    (('people.json', 'empty.json'), 'result file empty.json holds an empty list'),
    (('people.json', 'nowhere.json'), 'result file nowhere.json does not exist'),
    (('people.json', '.'), 'Is a directory'),
    (('people.json', 'broken.json', '--skip-bad'), 'broken.json cannot be read: Unterminated'),
    (('people.json', 'people.json'), 'people.json cannot be read: it must hold a list'),
    (('plain.json', 'results.json'), 'plain.json: none of 6 persons has dp_x'),
    (('results.json', 'results.json'), 'results.json: must hold an object, got list'),
    (('broken.json', 'results.json'), 'annotation file broken.json is no JSON'),
    (('people.json', 'results.json', '--template', 'nowhere.npz'), 'no template file'),
    (('people.json', 'results.json', '--template', 'no_template.npz'),
     'no_template.npz is no template'),
    (('people.json', 'results.json', '--out', 'results.json'), 'is also an input'),
    (('people.json', 'results.json', '--out', '.'), 'cannot write there')])
def test_errors_are_one_line(run, arguments, words):
    done = run(*arguments)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith('error: ') and words in last, done.stderr
    assert 'Traceback' not in done.stderr and done.stdout == ''


@pytest.mark.parametrize('option', [('--jobs', '0'), ('--min-threshold', '0.7'),
                                    ('--kinds', 'AP'), ()])
def test_a_wrong_command_line(run, option):
    files = ('people.json', 'results.json') if option else ('people.json', )
    done = run(*files, *option)
    assert done.returncode == 2 and 'usage:' in done.stderr


def test_help_shows_an_example(run):
    done = run('--help')
    assert done.returncode == 0
    assert 'python tools/evaluate.py densepose_minival2014.json' in done.stdout
    assert 'exit code' in done.stdout
