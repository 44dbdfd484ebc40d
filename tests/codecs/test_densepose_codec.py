"""The codec: what it writes on the grid, and that it can be read back."""
import pickle
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmpose.codecs import UDPHeatmap
from mmpose.registry import KEYPOINT_CODECS

from ktn_mm.codecs import DensePoseCodec
from ktn_mm.structures.crop_frame import CropFrame

SIZE, GRID = (192, 256), (96, 128)
BASE = Path(__file__).resolve().parents[2] / 'configs' / '_base_'
CODECS = [*sorted((BASE / 'crops').glob('*.py')), BASE / 'datasets' / 'densepose_coco_384x288.py',
          BASE / 'datasets' / 'open_body_v1_192x128.py']


@pytest.fixture
def codec():
    return KEYPOINT_CODECS.build(dict(type='DensePoseCodec', max_points=16))


def keypoints(seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform((15, 15), (175, 240), (1, 17, 2)).astype(np.float32)


def frame():
    return CropFrame((300.3, 211.8), (190.1, 253.4667), SIZE, rotation=17.)


def test_parts_equal_a_loop_over_cells(codec):
    rng = np.random.default_rng(1)
    parts = rng.integers(0, 15, (256, 256)).astype(np.uint8)
    box = np.array([230.7, 120.2, 140.6, 170.1])
    encoded = codec.encode(keypoints(), dp_parts=parts, dp_box=box, crop_frame=frame())
    expected = np.zeros((128, 96), np.int64)
    inverse = np.linalg.inv(np.vstack([frame().matrix(), [0, 0, 1]]))
    for row in range(128):
        for col in range(96):
            x, y, _ = inverse @ ((col + 0.5) * 2 - 0.5, (row + 0.5) * 2 - 0.5, 1)
            c, r = np.floor(((x, y) + np.float64(0.5) - box[:2]) * 256 / box[2:]).astype(int)
            if 0 <= c < 256 and 0 <= r < 256:
                expected[row, col] = parts[r, c]
    np.testing.assert_array_equal(encoded['part_targets'][0], expected)
    np.testing.assert_array_equal(encoded['mask_targets'][0], expected > 0)
    assert encoded['part_targets'].shape == (1, 128, 96) and 0.05 < (expected > 0).mean() < 0.9


def test_a_silhouette_teaches_the_mask_and_only_the_background_of_the_parts(codec):
    parts = np.zeros((256, 256), np.uint8)
    parts[64:192, 64:192] = 255
    encoded = codec.encode(keypoints(), dp_parts=parts, crop_frame=frame(),
                           dp_box=np.array([200., 90., 190., 250.]))
    assert set(np.unique(encoded['part_targets'])) == {0, 255}
    np.testing.assert_array_equal(encoded['mask_targets'], encoded['part_targets'] == 255)


def test_without_part_masks_the_outline_teaches_the_mask(codec):
    outline = np.zeros((480, 640), np.uint8)
    outline[100:300, 280:330] = 1
    encoded = codec.encode(keypoints(), person_mask=outline, crop_frame=frame())
    assert (encoded['part_targets'] == 255).all()
    cells = np.rint(frame().to_image(frame().grid_points(GRID))).astype(int)
    expected = outline[cells[..., 1].clip(0, 479), cells[..., 0].clip(0, 639)]
    np.testing.assert_array_equal(encoded['mask_targets'][0], expected)


def test_nothing_known_is_all_ignored(codec):
    encoded = codec.encode(keypoints())
    assert (encoded['part_targets'] == 255).all() and (encoded['mask_targets'] == 255).all()
    assert not encoded['surface_targets'].any()


def test_points_are_padded_and_those_beyond_the_crop_left_out(codec):
    points = np.array([[0, 0], [-0.4, 5], [-0.6, 5], [191.4, 255.4], [191.6, 3], [9, 256]],
                      np.float32)
    surfaces = np.arange(1, 7)
    uv = np.linspace(0, 1, 12, dtype=np.float32).reshape(6, 2)
    encoded = codec.encode(keypoints(), transformed_dp_points=points, dp_surfaces=surfaces,
                           dp_uv=uv)
    np.testing.assert_array_equal(encoded['surface_targets'], [[1, 2, 4] + [0] * 13])
    np.testing.assert_array_equal(encoded['point_targets'][0, :3], points[[0, 1, 3]])
    np.testing.assert_array_equal(encoded['uv_targets'][0, :3], uv[[0, 1, 3]])
    assert not encoded['uv_targets'][0, 3:].any()


def test_too_many_points_are_thinned_evenly_and_always_alike(codec):
    points = np.tile(np.arange(100, dtype=np.float32)[:, None], (1, 2))
    args = dict(transformed_dp_points=points, dp_surfaces=np.ones(100, np.int64),
                dp_uv=np.zeros((100, 2), np.float32))
    kept = codec.encode(keypoints(), **args)['point_targets'][0, :, 0]
    assert len(set(kept)) == 16 and kept[0] == 0
    assert set(np.diff(kept)) == {6., 7.}
    again = codec.encode(keypoints(), **args)['point_targets'][0, :, 0]
    np.testing.assert_array_equal(kept, again)


def test_keypoints_round_trip(codec):
    wanted = keypoints(3)
    encoded = codec.encode(wanted, np.ones((1, 17), np.float32))
    assert encoded['heatmaps'].shape == (17, 128, 96)
    found, scores = codec.decode(encoded['heatmaps'])
    assert np.abs(found - wanted).max() < 1. and (scores > 0.8).all()
    # With UDP's (w - 1) / w taken out it is exact to a tenth of a pixel.
    assert np.abs(found * (np.array(SIZE) - 1) / SIZE - wanted).max() < 0.1


def test_keypoints_as_mmposes_codec_does_them(codec):
    visible = np.ones((1, 17), np.float32)
    visible[0, 4] = 0
    plain = UDPHeatmap(SIZE, GRID, sigma=3.).encode(keypoints(), visible)
    ours = codec.encode(keypoints(), visible)
    for key in ('heatmaps', 'keypoint_weights'):
        np.testing.assert_array_equal(ours[key], plain[key])


@pytest.mark.parametrize('path', CODECS, ids=lambda path: path.stem)
def test_heat_maps_are_highest_at_the_keypoint_at_every_edge(path):
    codec = KEYPOINT_CODECS.build(Config.fromfile(path).codec)
    side = np.linspace(0, 1, 17)
    size = np.array(codec.input_size) - 1
    for places in (np.stack([side, side], 1), np.stack([side, 1 - side], 1)):
        wanted = (places * size)[None].astype(np.float32)
        maps = codec.encode(wanted, np.ones((1, 17), np.float32))['heatmaps']
        found = np.stack(np.unravel_index(maps.reshape(17, -1).argmax(1), maps.shape[1:])[::-1], 1)
        cells = places * (np.array(codec.output_size) - 1)
        assert np.abs(found - cells).max() < .51


def test_a_broken_radius_decodes_but_does_not_encode(codec):
    maps = codec.encode(keypoints())['heatmaps']
    other = DensePoseCodec(sigma=4.5)
    np.testing.assert_array_equal(other.decode(maps)[0], codec.decode(maps)[0])
    with pytest.raises(ValueError, match='multiple of 1/3, got 4.5'):
        other.encode(keypoints())


def test_missing_steps_of_the_pipeline_are_named(codec):
    parts = np.zeros((256, 256), np.uint8)
    with pytest.raises(ValueError, match='LoadDenseMasks'):
        codec.encode(keypoints(), dp_masks=[[]] * 14)
    with pytest.raises(ValueError, match='DensePoseTopdownAffine'):
        codec.encode(keypoints(), dp_parts=parts, dp_box=np.ones(4))
    other = CropFrame((9, 9), (20, 20), (288, 384))
    with pytest.raises(ValueError, match=r'\(288, 384\)'):
        codec.encode(keypoints(), dp_parts=parts, dp_box=np.ones(4), crop_frame=other)


@pytest.mark.parametrize('bad', [dict(input_size=(192,)), dict(output_size=(1, 1)),
                                 dict(max_points=0), dict(sigma=0)])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        DensePoseCodec(**bad)


def test_survives_pickling(codec):
    again = pickle.loads(pickle.dumps(codec))
    np.testing.assert_array_equal(again.encode(keypoints())['heatmaps'],
                                  codec.encode(keypoints())['heatmaps'])
