"""Every config composes, builds, and learns one step from an annotated person."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.registry import METRICS, MODELS

import ktn_mm  # noqa: F401  (registers the models)
from ktn_mm.datasets import DensePoseCocoDataset
from ktn_mm.surface import SurfaceTemplate
from ktn_mm.surface.densepose_template import convert
from ktn_mm.testing import make_densepose_twin, make_tiny_dataset

ROOT = Path(__file__).resolve().parents[1]
LEAVES = sorted((ROOT / 'configs').glob('densepose_*/*.py'))
LIGHT = ('mobilenetv2', )


def load(path: Path) -> Config:
    config = Config.fromfile(path)
    config.model.backbone.init_cfg = None
    init_default_scope(config.default_scope)
    return config


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
    assert len({path.name for path in LEAVES}) == len(LEAVES)
    for path in LEAVES:
        assert len(path.read_text().splitlines()) <= 15, path.name


@pytest.mark.parametrize('path', LEAVES, ids=lambda p: p.stem)
def test_config_says_what_its_name_says(path):
    config = load(path)
    variant = path.stem.split('_')[0]
    neck = (config.model.neck or {}).get('type')
    assert (neck == 'MultiInstanceDecoder') == (variant in ('ktn', 'mid'))
    assert bool(config.model.head.ktm) == (variant in ('ktn', 'ktm'))
    for loader, evaluator in ((config.val_dataloader, config.val_evaluator),
                              (config.test_dataloader, config.test_evaluator)):
        assert [metric.type for metric in evaluator] == ['DensePoseCocoMetric', 'CocoMetric']
        for metric in evaluator:
            assert metric.ann_file == config.data_root + loader.dataset.ann_file
    assert ('coco' in path.stem) == ('coco' in config.val_evaluator[0].ann_file)
    size = config.codec['input_size']
    assert path.stem.endswith(f'{size[1]}x{size[0]}')
    pipeline = config.train_dataloader.dataset.pipeline
    assert pipeline[-2].encoder == config.model.head.decoder
    template = 'data/densepose/template.npz' if 'coco' in path.stem else None
    flips = [step for step in pipeline if step.type == 'DensePoseRandomFlip']
    for user in (*flips, config.model.head, config.val_evaluator[0], config.test_evaluator[0]):
        assert user.get('template') == template, user
    assert len(flips) == 1


@pytest.mark.parametrize('path', [
    pytest.param(p, marks=() if any(n in p.stem for n in LIGHT) and 'open-body' in p.stem
                 else pytest.mark.slow) for p in LEAVES], ids=lambda p: p.stem)
def test_config_builds_and_learns_one_step(path, people, home, monkeypatch):
    monkeypatch.chdir(home)
    torch.manual_seed(0)
    config = load(path)
    model = MODELS.build(config.model)
    model.train()
    pipeline = Compose(config.train_dataloader.dataset.pipeline)
    dense = [i for i in range(len(people)) if len(people[i]['dp_surfaces'])][:2]
    batch = pseudo_collate([pipeline(people[i]) for i in dense])
    data = model.data_preprocessor(batch, True)
    loss, log = model.parse_losses(model.loss(**data))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(value > 0 for name, value in log.items() if 'loss' in name), log
    missing = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    if config.get('find_unused_parameters'):
        missing = [name for name in missing if not name.startswith('backbone.conv2.')]
    assert not missing, missing


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
    table = head._mirror(torch.device('cpu'))[:, 3, 51, 102]  # V = 0.2, U = 0.4
    expected = template.mirror(np.array([3]), np.array([[.4, .2]]))[1][0]
    np.testing.assert_allclose(table, expected, atol=1e-6)


@pytest.mark.slow
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
