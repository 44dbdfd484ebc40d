"""The mirror: nothing shifts, everything swaps, and twice is as if never."""
import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as rle_tools

from ktn_mm.datasets import DensePoseRandomFlip
from ktn_mm.surface.charts import KEYPOINT_TWIN, PART_TWIN, SURFACE_TWIN
from ktn_mm.testing import make_tiny_dataset

CODEC = dict(type='DensePoseCodec', max_points=64)


def steps(template, prob, crop=True):
    before = [dict(type='LoadPersonImage'), dict(type='LoadDenseMasks'),
              dict(type='GetBBoxCenterScale'),
              dict(type='DensePoseRandomFlip', prob=prob, template=template)]
    return before + crop * [dict(type='DensePoseTopdownAffine'),
                            dict(type='GenerateTarget', encoder=CODEC)]


@pytest.mark.parametrize('index', [0, 1, 2])
def test_flipped_targets_are_mirrored_targets(tmp_path, build, run, template, index):
    tiny = make_tiny_dataset(tmp_path, num_images=1, kinds=('dense', 'plain', 'silhouette'))
    plain, flipped = (run(build(tiny), index, steps(template, prob)) for prob in (0., 1.))
    assert not plain['flip'] and flipped['flip']
    lut = np.arange(256)
    lut[:15] = PART_TWIN
    np.testing.assert_array_equal(flipped['part_targets'], lut[plain['part_targets']][..., ::-1])
    np.testing.assert_array_equal(flipped['mask_targets'], plain['mask_targets'][..., ::-1])
    assert (flipped['mask_targets'] != plain['mask_targets']).mean() > .02
    # mmpose cuts its Gaussians off at three sigma, around a rounded centre: exp(-4.5) = 0.011.
    np.testing.assert_allclose(flipped['heatmaps'], plain['heatmaps'][KEYPOINT_TWIN, :, ::-1],
                               atol=.012)
    points = plain['point_targets'].copy()
    used = plain['surface_targets'] > 0
    points[used, 0] = 191 - points[used, 0]
    np.testing.assert_allclose(flipped['point_targets'], points, atol=1e-3)
    np.testing.assert_array_equal(flipped['surface_targets'],
                                  SURFACE_TWIN[plain['surface_targets']])
    difference = np.abs(flipped['img'].astype(int) - plain['img'][:, ::-1])
    assert difference.max() <= 8 and difference.mean() < .1


def mirror_file(tiny):
    """Mirror pictures and annotations of a dataset in place, by hand."""
    content = json.loads(Path(tiny.ann_file).read_text())
    for image in content['images']:
        path = str(Path(tiny.img_dir) / image['file_name'])
        cv2.imwrite(path, cv2.imread(path)[:, ::-1])
    width = content['images'][0]['width']
    for ann in content['annotations']:
        x, y, w, h = ann['bbox']
        ann['bbox'] = [width - x - w, y, w, h]
        keypoints = np.array(ann['keypoints']).reshape(17, 3)[KEYPOINT_TWIN]
        keypoints[:, 0] = width - 1 - keypoints[:, 0]
        ann['keypoints'] = keypoints.ravel().tolist()
        ann['dp_x'] = [256 - v for v in ann['dp_x']]
        ann['dp_U'] = [1 - u if i <= 2 else u for u, i in zip(ann['dp_U'], ann['dp_I'])]
        ann['dp_I'] = [int(SURFACE_TWIN[int(i)]) for i in ann['dp_I']]
        masks = [[]] * 14
        for part, mask in enumerate(ann['dp_masks'], 1):
            if mask:
                turned = np.asfortranarray(rle_tools.decode(mask)[:, ::-1])
                encoded = rle_tools.encode(turned)
                masks[PART_TWIN[part] - 1] = dict(encoded, counts=encoded['counts'].decode())
        ann['dp_masks'] = masks
    Path(tiny.ann_file).write_text(json.dumps(content))


def test_flip_equals_a_mirrored_file(tmp_path, build, run, template):
    tiny = make_tiny_dataset(tmp_path, num_images=1, kinds=('dense',))
    flipped = run(build(tiny), 0, steps(template, 1.))
    mirror_file(tiny)
    info = dict(build(tiny).get_data_info(0))
    # mmpose treats the corners of a box as pixel indices when it flips them, x -> W - 1 - x, while
    # they are edges, x -> W - x. It only moves where the crop is cut, not what lies in it.
    info['bbox'] = info['bbox'] - np.float32([1, 0, 1, 0])
    from mmengine.dataset import Compose
    mirrored = Compose(steps(template, 0.))(info)
    np.testing.assert_array_equal(flipped['part_targets'], mirrored['part_targets'])
    np.testing.assert_array_equal(flipped['mask_targets'], mirrored['mask_targets'])
    np.testing.assert_array_equal(flipped['surface_targets'], mirrored['surface_targets'])
    np.testing.assert_allclose(flipped['point_targets'], mirrored['point_targets'], atol=1e-3)
    np.testing.assert_allclose(flipped['uv_targets'], mirrored['uv_targets'], atol=1e-6)
    np.testing.assert_allclose(flipped['heatmaps'], mirrored['heatmaps'], atol=.012)
    np.testing.assert_array_equal(flipped['img'], mirrored['img'])
    assert len(np.unique(flipped['part_targets'])) > 8


@pytest.mark.parametrize('index', [0, 1])
def test_flip_twice_is_identity(tiny, build, run, template, index):
    original = run(build(tiny), index, steps(template, 0., crop=False))
    flip = DensePoseRandomFlip(1., template)
    once = flip(dict(original, bbox_rotation=np.array([20.])))
    keys = ['img', 'keypoints', 'bbox_center', 'dp_box', 'dp_points', 'dp_surfaces', 'dp_uv']
    keys += ['dp_parts'] if original['dp_parts'] is not None else ['person_mask']
    changed = [key for key in keys if not np.array_equal(once[key], original[key])]
    assert changed == ([k for k in keys if not k.startswith('dp_') or k == 'dp_box']
                       if index else keys)
    twice = flip(dict(once))
    for key in keys:
        np.testing.assert_allclose(twice[key], original[key], atol=1e-4, err_msg=key)
    assert once['bbox_rotation'] == [-20.] and twice['bbox_rotation'] == [20.]


def test_the_sample_that_is_not_flipped_is_left_alone(tiny, build, run, template):
    plain = run(build(tiny), 0, [dict(type='LoadPersonImage'), dict(type='LoadDenseMasks')])
    same = DensePoseRandomFlip(0, template)(dict(plain))
    assert same['flip'] is False
    for key in ('img', 'dp_points', 'dp_uv', 'dp_parts', 'dp_box'):
        assert same[key] is plain[key]


def test_probability_is_kept(tiny, build, run, template):
    np.random.seed(0)
    flip = DensePoseRandomFlip(.25, template)
    chosen = [flip._choose_direction() is not None for _ in range(400)]
    assert .18 < np.mean(chosen) < .32


def test_misuse_is_named(tiny, build, run, template):
    for prob in (1.5, -.1, [.5]):
        with pytest.raises(ValueError, match='prob'):
            DensePoseRandomFlip(prob)
    with pytest.raises(ValueError, match='before the crop'):
        run(build(tiny), 0, steps(template, 0.)[:3] + [dict(type='DensePoseTopdownAffine')]
            + steps(template, 1.)[3:4])


def test_the_open_body_is_the_default(tiny, build, run):
    original = run(build(tiny), 0, steps(None, 0., crop=False))
    flip = pickle.loads(pickle.dumps(DensePoseRandomFlip(1.)))
    once = flip(dict(original))
    np.testing.assert_array_equal(once['dp_surfaces'], SURFACE_TWIN[original['dp_surfaces']])
    # It has a template loaded now, and still travels light.
    assert len(pickle.dumps(flip)) < 2000
