"""Every config composes, builds, and learns one step from an annotated person."""
import re
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import Compose, pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpose.registry import METRICS, MODELS

import ktn_mm  # noqa: F401  (registers the models)
from ktn_mm.datasets import DensePoseCocoDataset
from ktn_mm.surface import SurfaceTemplate
from ktn_mm.surface.densepose_template import convert
from ktn_mm.testing import make_densepose_twin, make_tiny_dataset

ROOT = Path(__file__).resolve().parents[1]
DETECTORS = sorted((ROOT / 'configs' / 'detection').glob('*.py'))
LEAVES = [path for path in sorted((ROOT / 'configs').glob('[!_]*/*.py'))
          if path not in DETECTORS]  # tests/test_detector_configs.py has those
VARIANTS = [path for path in LEAVES if '_res50_' in path.stem and 'open-body' not in path.stem]
VARIANTS += [path for path in LEAVES if path.stem.startswith('baseline_hrnet-w32_8xb32')]
LIGHT = ('mobilenetv2', )
ABLATIONS = {
    'baseline-is': {'neck.instance_strengthening': True},
    'ktm-keypoint': {'head.ktm.sources': ('keypoint', )},
    'ktm-keypoint-average': {'head.ktm.sources': ('keypoint', ), 'head.ktm.graph': 'average'},
    'ktm-keypoint-location': {'head.ktm.sources': ('keypoint', 'location')},
    'ktm-keypoint-no-transform': {'head.ktm.sources': ('keypoint', ),
                                  'head.ktm.transform': False},
    'ktm-location': {'head.ktm.sources': ('location', )},
    'ktm-part': {'head.ktm.sources': ('part', )},
    'ktn-keypoint': {'head.ktm.sources': ('keypoint', )},
    'ktn-keypoint-location': {'head.ktm.sources': ('keypoint', 'location')},
    'ktn-location': {'head.ktm.sources': ('location', )},
    'ktn-part': {'head.ktm.sources': ('part', )},
    'ktn-v1': {'neck.version': 1, 'head.ktm.sources': ('keypoint', )},
    'mid-dilations-111': {'neck.dilations': (1, 1, 1)},
    'mid-dilations-222': {'neck.dilations': (2, 2, 2)},
    'mid-dilations-333': {'neck.dilations': (3, 3, 3)},
    'mid-no-is': {'neck.instance_strengthening': False},
    'mid-no-rearranging': {'neck.rearrange': False},
    'mid-no-rearranging-no-is': {'neck.rearrange': False, 'neck.instance_strengthening': False},
    'mid-v1': {'neck.version': 1},
    'mid-v1-resample': {'neck.version': 1, 'head.loss_surface.resample': True},
    'mid-v1-reweight': {'neck.version': 1, 'head.loss_surface.reweight': 'batch'},
    'mid-v1-triplet': {'neck.version': 1, 'head.loss_triplet.type': 'SurfaceTriplet'}}
"""Row of configs/ablations -> what it changes of the model that its first word names."""


@cache
def read(path: Path) -> Config:
    return Config.fromfile(path)


def load(path: Path) -> Config:
    config = deepcopy(read(path))
    config.model.backbone.init_cfg = None
    init_default_scope(config.default_scope)
    return config


def shrink(config: Config) -> Config:
    """Take a small ResNet, 8 channels and crops of 64x96; what makes the variant stays."""
    model, widths = config.model, (4, 8, 16, 32)
    levels = 4 if model.neck else 1
    model.backbone = dict(type='ResNet', depth=18, stem_channels=4, base_channels=4,
                          num_stages=levels, out_indices=range(levels),
                          strides=(1, 2, 2, 2)[:levels], dilations=(1, ) * levels)
    if model.neck:
        model.neck.update(channels=8, in_channels=widths if 'Multi' in model.neck.type else 32)
    model.head.in_channels = 8 if model.neck else 4
    pipeline = config.train_dataloader.dataset.pipeline
    for codec in (model.head.decoder, pipeline[-2].encoder):
        codec.update(input_size=(64, 96), output_size=(32, 48))
    affine = next(step for step in pipeline if step.type == 'DensePoseTopdownAffine')
    affine.input_size = (64, 96)
    return config


def learn_one_step(config: Config, people: DensePoseCocoDataset) -> tuple[dict, list[str]]:
    """Return what a training step logs, and the parameters that it has left alone."""
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.train()
    pipeline = Compose(config.train_dataloader.dataset.pipeline)
    dense = [i for i in range(len(people)) if len(people[i]['dp_surfaces'])][:2]
    batch = pseudo_collate([pipeline(people[i]) for i in dense])
    optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
    log = model.train_step(batch, optim_wrapper)
    state = optim_wrapper.optimizer.state
    left = [name for name, p in model.named_parameters() if p.requires_grad and p not in state]
    return log, left


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    """A tiny data set of paper dolls, read by our data set class."""
    paths = make_tiny_dataset(tmp_path_factory.mktemp('dolls'))
    return DensePoseCocoDataset(ann_file=paths.ann_file, data_root=paths.data_root,
                                data_prefix=dict(img=paths.img_dir), pipeline=[])


@pytest.fixture(scope='module')
def home(tmp_path_factory):
    """A folder to run in, with a twin of the official surface where the configs look for it."""
    folder = tmp_path_factory.mktemp('home')
    make_densepose_twin(folder / 'official')
    convert(folder / 'official', folder / 'data' / 'densepose' / 'template.npz')
    return folder


def test_names_are_unique_and_leaves_are_short():
    assert len(LEAVES) >= 25
    every = [*LEAVES, *DETECTORS]
    assert len({path.name for path in every}) == len(every)
    for path in every:
        assert len(path.read_text().splitlines()) <= 15, path.name


def test_no_two_leaves_are_the_same():
    resolved = {}
    for path in LEAVES:
        resolved.setdefault(repr(read(path).to_dict()), []).append(path.stem)
    assert [names for names in resolved.values() if len(names) > 1] == []


def test_table_of_rows_names_every_leaf_and_nothing_else():
    page = (ROOT / 'configs' / 'README.md').read_text()
    links = re.findall(r'\[([^]]+)\]\(([\w/.-]+)\)', page)
    for text, target in links:
        path = (ROOT / 'configs' / target).resolve()
        assert path.is_file(), target
        if path.suffix == '.py':
            fields = path.stem.split('_')
            assert text.split()[0] == '_'.join(fields[:2]), (text, target)
            assert all(word in fields[2] or word in fields[3] for word in text.split()[1:]
                       if '-' in word), (text, target)
    named = {(ROOT / 'configs' / target).resolve() for _, target in links
             if target.endswith('.py')}
    assert named == {*LEAVES, *DETECTORS}


def test_options_of_the_table_of_rows_change_the_model():
    page = (ROOT / 'configs' / 'README.md').read_text()
    options = re.findall(r'`(model\.[\w.]+)=(\w+)`', page)
    assert len(options) >= 6
    for key, text in options:
        config = load(next(p for p in LEAVES if p.stem.startswith('ktn_res50_8xb')))
        before = config.to_dict()
        config.merge_from_dict({key: DictAction._parse_int_float_bool(text)})
        assert config.to_dict() != before
        with torch.device('meta'):
            MODELS.build(config.model)


@pytest.mark.parametrize('path', LEAVES, ids=lambda p: p.stem)
def test_config_says_what_its_name_says(path):
    config = load(path)
    fields = path.stem.split('_')
    assert len(fields) == 4
    variant = fields[0].split('-')[0]
    neck = (config.model.neck or {}).get('type')
    assert (neck == 'MultiInstanceDecoder') == (variant in ('ktn', 'mid'))
    assert bool(config.model.head.ktm) == (variant in ('ktn', 'ktm'))
    keypoints_there = 'ultrapose' not in fields[3] and 'few-labels' not in fields[2]
    metrics = ['DensePoseCocoMetric'] + ['CocoMetric'] * keypoints_there
    official = not fields[3].startswith('open-body')
    for loader, evaluator in ((config.val_dataloader, config.val_evaluator),
                              (config.test_dataloader, config.test_evaluator)):
        assert [metric.type for metric in evaluator] == metrics
        assert evaluator[0].get('compat', 'detectron2') == ('detectron2' if official else None)
        for metric in evaluator:
            assert metric.ann_file == config.data_root + loader.dataset.ann_file
    folder = dict(densepose='coco', ultrapose='ultrapose').get(fields[3].split('-')[0])
    assert not official or f'/{folder}/' in config.val_evaluator[0].ann_file
    whole = config.model.get('init_cfg') or {}
    keypoints = whole.get('checkpoint', '') if whole.get('type') == 'KeypointPretrained' else ''
    backbone = fields[1] + '_'
    assert keypoints == '' or backbone in keypoints and '_coco-256x192' in keypoints
    assert ('coco-init' in fields[2]) == bool(keypoints)
    starts = (whole, read(path).model.backbone.init_cfg)
    assert whole.get('type') != 'Pretrained' or 'work_dirs' in whole['checkpoint'] \
        or Path(whole['checkpoint']).is_file()
    assert not config.load_from, 'mmpose drops it with --resume, also where nothing can be resumed'
    assert sum(map(bool, starts)) == (fields[1] != 'res18')
    devices, crops = map(int, re.search(r'(\d+)xb(\d+)', fields[2]).groups())
    assert crops == config.train_dataloader.batch_size
    assert path.parent.name == 'benchmark' \
        or config.auto_scale_lr.base_batch_size == devices * crops
    epochs = 12 if 'demo' in fields[2] else int(re.search(r'-(\d+)e$', fields[2])[1])
    assert config.train_cfg.max_epochs == config.param_scheduler[-1].end == epochs
    size = config.codec['input_size']
    assert path.stem.endswith(f'{size[1]}x{size[0]}')
    pipeline = config.train_dataloader.dataset.pipeline
    assert pipeline[-2].encoder == config.model.head.decoder
    assert ('interp' in fields[2]) == any('Interpolate' in step.type for step in pipeline)
    template = 'data/densepose/template.npz' if official else None
    flips = [step for step in pipeline if step.type == 'DensePoseRandomFlip']
    for user in (*flips, config.model.head, config.val_evaluator[0], config.test_evaluator[0]):
        assert user.get('template') == template, user
    assert len(flips) == 1


@pytest.mark.parametrize('path', [path for path in LEAVES if path.parent.name == 'ablations'],
                         ids=lambda p: p.stem)
def test_ablation_changes_what_its_name_says_and_nothing_else(path):
    row = path.stem.split('_')[0]
    plain, whole = (load(next(p for p in LEAVES if p.stem.startswith(f'{name}_res50_8xb')))
                    for name in (row.split('-')[0], 'ktn'))
    config, before = load(path), deepcopy(plain.model)
    plain.merge_from_dict({f'model.{key}': value for key, value in ABLATIONS[row].items()})
    assert config.model == plain.model != before
    config.model = whole.model
    assert config.to_dict() == whole.to_dict()


@pytest.mark.parametrize('path', [path for path in LEAVES if path.parent.name == 'benchmark'],
                         ids=lambda p: p.stem)
def test_rows_of_the_benchmark_differ_in_what_their_names_say(path):
    config, first = load(path), load(next(p for p in LEAVES if p.parent == path.parent))
    dataset = config.train_dataloader.dataset
    share = dict(points25=.25, points10=.1)
    wanted = next((v for name, v in share.items() if name in path.stem), None)
    assert dataset.pop('point_share', None) == wanted
    if 'interp' in path.stem:
        steps = [s for s in dataset.pipeline if s.type != 'InterpolateCorrespondences']
        steps[-2].encoder.max_points = first.train_dataloader.dataset.pipeline[-2].encoder.get(
            'max_points')
        first.train_dataloader.dataset.pipeline[-2].encoder.max_points = None
        assert len(steps) == len(dataset.pipeline) - 1
        dataset.pipeline = steps
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader', 'val_evaluator',
                'test_evaluator', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'randomness',
                'default_hooks', 'custom_hooks'):
        assert config[key] == first[key], key
    assert config.model.test_cfg == first.model.test_cfg


SHIPPED_START = [path for path in LEAVES if "/weights/'" in path.read_text()]


@pytest.mark.parametrize('path', SHIPPED_START, ids=lambda p: p.stem)
def test_leaves_that_go_on_from_shipped_weights_find_them_from_anywhere(path, tmp_path,
                                                                         monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load(path)
    model = MODELS.build(config.model)
    model.init_weights()
    stored = torch.load(config.model.init_cfg.checkpoint, weights_only=True)['state_dict']
    own = model.state_dict()
    assert own.keys() == stored.keys() and len(SHIPPED_START) == 2
    for name, values in stored.items():
        assert torch.equal(own[name], values.to(own[name].dtype)), name


@pytest.mark.parametrize('path', LEAVES, ids=lambda p: p.stem)
def test_config_builds(path):
    with torch.device('meta'):
        model = MODELS.build(load(path).model)
    assert sum(p.numel() for p in model.parameters()) > 2e6


@pytest.mark.parametrize('path', [
    pytest.param(p, marks=() if any(n in p.stem for n in LIGHT) and 'open-body' in p.stem
                 else pytest.mark.slow) for p in LEAVES], ids=lambda p: p.stem)
def test_config_learns_one_step(path, people, home, monkeypatch):
    monkeypatch.chdir(home)
    config = load(path)
    log, left = learn_one_step(config, people)
    assert all(0 < value < np.inf for name, value in log.items() if 'loss' in name), log
    if config.get('find_unused_parameters'):
        left = [name for name in left if not name.startswith('backbone.conv2.')]
    assert not left


@pytest.mark.parametrize('path', VARIANTS, ids=lambda p: p.stem)
def test_variant_learns_one_step_on_small_crops(path, people, home, monkeypatch):
    monkeypatch.chdir(home)
    config = shrink(load(path))
    log, left = learn_one_step(config, people)
    losses = {f'loss_{name}' for name in ('mask', 'part', 'keypoint', 'surface', 'u', 'v')}
    neck = config.model.neck or dict(type='none')
    if neck.get('instance_strengthening', neck['type'] == 'MultiInstanceDecoder'):
        losses.add('loss_instance')
    if 'triplet' in path.stem:
        losses.add('loss_triplet')
    assert {name for name in log if 'loss_' in name} == losses
    assert all(0 < log[name].item() < np.inf for name in losses), log
    assert not left


def test_densepose_coco_mirrors_by_the_official_surface(people, home, tmp_path, monkeypatch):
    config = load(next(path for path in LEAVES if 'ktn_mobilenetv2_8xb32' in path.stem))
    steps = [step for step in config.train_pipeline if 'Load' in step.type]
    steps += [dict(step, prob=1.) for step in config.train_pipeline if 'Flip' in step.type]
    person = people[0]

    monkeypatch.chdir(tmp_path)
    pipeline = Compose(steps)  # the file is read when it is needed
    with pytest.raises(FileNotFoundError, match='run tools/convert_densepose_template.py'):
        pipeline(people[0])
    with pytest.raises(FileNotFoundError, match='run tools/convert_densepose_template.py'):
        METRICS.build(config.val_evaluator[0])

    monkeypatch.chdir(home)
    flipped = Compose(steps)(people[0])
    template = SurfaceTemplate.load(config.template)
    surface, uv = template.mirror(person['dp_surfaces'], person['dp_uv'])
    np.testing.assert_array_equal(flipped['dp_surfaces'], surface)
    np.testing.assert_array_equal(flipped['dp_uv'], uv)
    other = SurfaceTemplate.load().mirror(person['dp_surfaces'], person['dp_uv'])[1]
    assert np.abs(other - uv).max() > .1
    head = MODELS.build(config.model).head
    table = head.mirror_table(torch.device('cpu'))[:, 3, 51, 102]  # V = 0.2, U = 0.4
    expected = template.mirror(np.array([3]), np.array([[.4, .2]]))[1][0]
    np.testing.assert_allclose(table, expected, atol=1e-6)


def test_leaves_of_the_docs_build(tmp_path):
    page = (ROOT / 'docs' / 'configs.md').read_text()
    leaves = [block for block in re.findall(r'```python\n(.*?)```', page, re.S)
              if '_base_ = ' in block]
    assert len(leaves) >= 4
    for i, leaf in enumerate(leaves):
        path = tmp_path / f'leaf{i}.py'
        path.write_text(leaf.replace("'./", f"'{ROOT}/configs/densepose_topdown/")
                        .replace("'../", f"'{ROOT}/configs/"))
        with torch.device('meta'):
            MODELS.build(load(path).model)


def test_the_leaf_of_few_labels_says_everything(tmp_path):
    page = (ROOT / 'docs' / 'few-labels.md').read_text()
    leaf, = re.findall(r"```python\n( +_base_ = .*?mine = .*?)```", page, re.S)
    addition, = re.findall(r"```python\n(surface = .*?)```", page, re.S)
    leaf = re.sub('^   ', '', leaf, flags=re.M)
    leaf = leaf.replace("'./", f"'{ROOT}/configs/densepose_topdown/")
    path = tmp_path / 'mine.py'
    path.write_text(leaf)
    config = Config.fromfile(path)
    for loader, file in (('train', 'learn'), ('val', 'look'), ('test', 'look')):
        dataset = config[f'{loader}_dataloader'].dataset
        assert (dataset.data_root, dataset.ann_file) == ('data/mine/', f'{file}.json')
        assert dataset.data_prefix == dict(img='pictures/')
    for evaluator in (config.val_evaluator, config.test_evaluator):
        assert [each.ann_file for each in evaluator] == ['data/mine/look.json']
    assert Path(config.model.init_cfg.checkpoint).is_file()
    flip, = (step for step in config.train_dataloader.dataset.pipeline if 'Flip' in step.type)
    assert 'template' not in flip

    path.write_text(leaf + addition)
    config = Config.fromfile(path)
    steps = config.train_dataloader.dataset.pipeline
    assert [step.type for step in steps] == [step.type for step in config.train_pipeline]
    flip, = (step for step in steps if 'Flip' in step.type)
    assert (flip.template == config.model.head.template == config.val_evaluator[0].template
            == config.test_evaluator[0].template == 'data/densepose/template.npz')


def test_the_backbone_swap_of_the_readme_builds(tmp_path):
    section = (ROOT / 'README.md').read_text().split('## Another backbone')[1]
    leaf = section.split('```python\n')[1].split('```')[0]
    assert len(leaf.splitlines()) <= 15
    path = tmp_path / 'swap.py'
    path.write_text(leaf.replace("'./", f"'{ROOT}/configs/densepose_topdown/"))
    model = MODELS.build(load(path).model)
    assert type(model.backbone).__name__ == 'ResNeXt'
    model.eval()
    with torch.no_grad():
        outputs = model(torch.zeros(1, 3, 64, 64), None, mode='tensor')
    assert outputs[3].shape == (1, 25, 32, 32)
