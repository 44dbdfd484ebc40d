"""The crop: content of the picture and annotated points move together."""
import numpy as np
import pytest

from ktn_mm.structures.crop_frame import CropFrame

SPOTS = np.array([[60, 50], [150, 60], [110, 100], [70, 150], [160, 160]], np.float32)
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255]])


def spotted_sample():
    """Return a sample with five spots of different colours, and its points on their centres."""
    image = np.zeros((220, 231, 3), np.uint8)
    rows, cols = np.mgrid[:220, :231]
    for (x, y), color in zip(SPOTS, COLORS):
        image[(cols - x) ** 2 + (rows - y) ** 2 <= 36] = color
    return dict(
        img=image, img_shape=(220, 231), ori_shape=(220, 231), id=1,
        bbox=np.array([[40, 30, 180, 190]], np.float32), bbox_score=np.ones(1, np.float32),
        keypoints=np.tile(SPOTS[:1], (1, 17, 1)), keypoints_visible=np.ones((1, 17), np.float32),
        flip_indices=list(range(17)), dp_points=SPOTS.copy(), dp_surfaces=np.arange(3, 8),
        dp_uv=np.full((5, 2), .5, np.float32), dp_box=np.array([40., 30., 140., 160.]))


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('size', [(192, 256), (288, 384)])
def test_spots_and_points_move_together(template, seed, size):
    from mmengine.dataset import Compose
    np.random.seed(seed)
    sample = Compose([
        dict(type='GetBBoxCenterScale'),
        dict(type='DensePoseRandomFlip', prob=.5, template=template),
        dict(type='RandomBBoxTransform', rotate_prob=1., scale_prob=1., shift_prob=1.),
        dict(type='DensePoseTopdownAffine', input_size=size)])(spotted_sample())
    found = 0
    for (x, y), color in zip(sample['transformed_dp_points'], COLORS):
        if not (15 < x < size[0] - 16 and 15 < y < size[1] - 16):
            continue
        close = np.abs(sample['img'].astype(int) - color).max(-1) < 100
        rows, cols = np.nonzero(close)
        assert np.hypot(cols.mean() - x, rows.mean() - y) < .25
        found += 1
    assert found >= 2
    np.testing.assert_allclose(sample['transformed_keypoints'][0, 0],
                               sample['transformed_dp_points'][0], atol=1e-2)


def test_the_frame_is_written_down(template):
    from mmengine.dataset import Compose
    sample = Compose([dict(type='GetBBoxCenterScale'), dict(type='RandomBBoxTransform'),
                      dict(type='DensePoseTopdownAffine')])(spotted_sample())
    frame = sample['crop_frame']
    assert frame == CropFrame(sample['bbox_center'][0], sample['bbox_scale'][0], (192, 256),
                              sample['bbox_rotation'][0])
    assert sample['input_size'] == (192, 256)
    np.testing.assert_allclose(sample['transformed_dp_points'], frame.to_crop(SPOTS), atol=1e-4)


def test_a_sample_without_points_or_keypoints(template):
    from mmengine.dataset import Compose
    sample = spotted_sample()
    del sample['dp_points'], sample['keypoints']
    sample = Compose([dict(type='GetBBoxCenterScale'),
                      dict(type='DensePoseTopdownAffine', input_size=[96, 128])])(sample)
    assert sample['img'].shape == (128, 96, 3) and sample['crop_frame'].rotation == 0
    assert 'transformed_dp_points' not in sample


def test_a_frame_cuts_what_the_pipeline_cuts():
    """Bit for bit, so that inference without mmpose sees the same crops."""
    from mmengine.dataset import Compose
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (300, 400, 3), np.uint8)
    for i in range(60):
        corner = rng.uniform(-20, [380, 280])
        box = np.float32([*corner, *(corner + rng.uniform(3, [300, 250]))])
        size = [(192, 256), (96, 128), (288, 384), (160, 256)][i % 4]
        sample = Compose([
            dict(type='GetBBoxCenterScale', padding=1.25),
            dict(type='DensePoseTopdownAffine', input_size=size)])(
                dict(img=image, bbox=box[None]))
        frame = CropFrame.around(box, size, 1.25)
        assert frame == sample['crop_frame']
        np.testing.assert_array_equal(frame.cut(image), sample['img'])
