import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model
from mmpose.evaluation import CocoMetric

import ktn_mm  # noqa: F401  (registers the metric)
from ktn_mm.engine.format_only import set_format_only
from ktn_mm.evaluation import GroundTruth, read_results
from ktn_mm.testing import make_tiny_dataset

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/densepose_topdown/ktn_mobilenetv2_1xb16-demo_open-body-128x96.py'


def test_metrics_that_can_write_do():
    metrics = [dict(type='DensePoseCocoMetric', ann_file='a.json'), dict(type=CocoMetric),
               dict(type='DumpResults', out_file_path='a.pkl')]
    set_format_only(metrics, 'out/r')
    writes = dict(format_only=True, outfile_prefix='out/r')
    assert metrics == [
        dict(type='DensePoseCocoMetric', ann_file='a.json', **writes),
        dict(type=CocoMetric, **writes), dict(type='DumpResults', out_file_path='a.pkl')]


def test_none_that_can_write():
    with pytest.raises(ValueError, match='none of the metrics.*: DumpResults'):
        set_format_only([dict(type='DumpResults', out_file_path='a.pkl')], 'r')


@pytest.fixture(scope='module')
def commands(tmp_path_factory):
    """Return a folder and a function that runs the test command on a network of chance in it."""
    folder = tmp_path_factory.mktemp('run')
    dolls = make_tiny_dataset(folder / 'dolls', num_images=2)
    bare = json.loads(Path(dolls.ann_file).read_text())
    for annotation in bare['annotations']:
        for key in [k for k in annotation if k.startswith('dp_')]:
            del annotation[key]
    (folder / 'bare.json').write_text(json.dumps(bare))
    config = Config.fromfile(CONFIG)
    config.model.backbone.init_cfg = None
    torch.manual_seed(0)
    torch.save(dict(state_dict=init_model(config, device='cpu').state_dict()), folder / 'm.pth')

    def run(annotation, *options):
        loader = 'test_dataloader.'
        changes = [f'{loader}dataset.data_root=', f'{loader}dataset.ann_file={annotation}',
                   f'{loader}dataset.data_prefix.img={dolls.img_dir}/', f'{loader}num_workers=0',
                   f'{loader}persistent_workers=False', f'test_evaluator.0.ann_file={annotation}',
                   f'test_evaluator.1.ann_file={annotation}',
                   'model.backbone.init_cfg=None']
        return subprocess.run(
            [sys.executable, '-W', 'ignore', ROOT / 'tools/test.py', CONFIG, 'm.pth', *options,
             '--work-dir', 'work', '--cfg-options', *changes], cwd=folder, capture_output=True,
            text=True, env=os.environ | {'OMP_NUM_THREADS': '1'})
    return folder, dolls.ann_file, run


@pytest.mark.slow
def test_the_test_command_writes_a_file_that_can_be_read(commands):
    folder, annotation, run = commands
    for given, prefix in ((annotation, 'with, commas/r'), ('bare.json', 'bare')):
        done = run(given, '--format-only', prefix)
        assert done.returncode == 0, done.stderr[-2000:]
        assert 'densepose/GPS/AP:' not in done.stdout
        read = read_results(folder / f'{prefix}.densepose.json', GroundTruth.load(annotation))
        assert len(read.detections) == 4
    assert (folder / 'bare.densepose.json').read_bytes() == (
        folder / 'with, commas/r.densepose.json').read_bytes()


@pytest.mark.slow
def test_figures_cannot_be_saved_where_none_are_made(commands):
    done = commands[2](commands[1], '--format-only', 'r', '--out', 'figures.json')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('error: --out saves figures')


@pytest.mark.slow
def test_the_option_is_in_the_help(tmp_path):
    done = subprocess.run([sys.executable, '-W', 'ignore', ROOT / 'tools/test.py', '--help'],
                          cwd=tmp_path, capture_output=True, text=True)
    assert '--format-only PREFIX' in done.stdout and '--cfg-options' in done.stdout
