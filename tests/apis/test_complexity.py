"""Counts by part against formulas, and the folded network against one without KTM."""
from pathlib import Path

import pytest
from mmengine.config import Config

import ktn_mm  # noqa: F401  (registers the models)
from ktn_mm.apis.complexity import PARTS, build_untrained, count
from ktn_mm.surface.charts import NUM_KEYPOINTS, NUM_PARTS, NUM_SURFACES

LEAVES = Path(__file__).resolve().parents[2] / 'configs' / 'densepose_topdown'
DATA = '8xb32-210e_densepose-coco-256x192'
CHANNELS, WIDTH, HEIGHT = 64, 96, 128
D = CHANNELS * 4 * 4
SURFACES = NUM_SURFACES + 1


@pytest.fixture
def config():
    config = Config.fromfile(LEAVES / 'ktn_mobilenetv2_1xb16-demo_open-body-128x96.py')
    config.model.backbone = dict(type='ResNet', depth=18, stem_channels=4, base_channels=4,
                                 out_indices=(0, 1, 2, 3))
    config.model.neck.in_channels = (4, 8, 16, 32)
    return config


def test_counts_follow_from_the_layers(config):
    model = build_untrained(config)
    parameters, multiply_adds = count(model, (WIDTH, HEIGHT))
    assert model.training  # as it was before
    for part, module in (('backbone', model.backbone), ('neck', model.neck),
                         ('KTM', model.head.ktm), ('', model)):
        assert parameters[part] == sum(p.numel() for p in module.parameters()), part
    rows = dict(keypoint=NUM_KEYPOINTS, location=1, part=NUM_PARTS + 1)
    assert parameters['KTM'] == SURFACES * sum(rows.values()) + (3 * D + 1) * D + (D + 1) * D
    assert multiply_adds['KTM'] == SURFACES * (D * sum(rows.values()) + 3 * D * D + D * D)
    outputs = 2 + NUM_PARTS + 1 + NUM_KEYPOINTS + 3 * SURFACES
    assert multiply_adds['head'] == D * outputs * (WIDTH // 4) * (HEIGHT // 4)
    for counts in (parameters, multiply_adds):
        assert tuple(counts) == (*PARTS, '')
        assert counts[''] == sum(counts[part] for part in PARTS)
        assert min(counts.values()) > 0


def test_multiply_adds_grow_with_the_crop_but_not_those_of_ktm(config):
    model = build_untrained(config)
    small, large = (count(model, size).multiply_adds for size in ((96, 128), (192, 256)))
    assert large['KTM'] == small['KTM']
    for part in ('neck', 'head'):
        assert large[part] == 4 * small[part]


@pytest.mark.parametrize('name', [
    f'ktm_mobilenetv2_{DATA}',
    *(pytest.param(f'{v}_{DATA}', marks=pytest.mark.slow)
      for v in ('ktn_mobilenetv2', 'ktn_res50', 'ktm_hrnet-w32', 'ktn_hrnet-w48'))])
def test_folded_network_has_and_does_what_one_without_ktm_does(name):
    config = Config.fromfile(LEAVES / f'{name}.py')
    model = build_untrained(config)
    trained = count(model, (WIDTH, HEIGHT))
    model.head.fold()
    plain = count(build_untrained(config, ktm=False), (WIDTH, HEIGHT))
    assert count(model, (WIDTH, HEIGHT)) == plain
    assert plain != trained and plain.parameters['KTM'] == plain.multiply_adds['KTM'] == 0


def test_what_does_not_fit_is_named(config):
    with pytest.raises(ValueError, match=r'multiples of 32; input_size is \(48, 64\)'):
        count(build_untrained(config), (48, 64))
    before = config.model.to_dict()
    build_untrained(config, ktm=False)
    assert config.model.to_dict() == before
    config.model.type = 'TopdownPoseEstimator'
    with pytest.raises(ValueError, match='demo_open-body.*is a TopdownPoseEstimator, not a'):
        build_untrained(config)
