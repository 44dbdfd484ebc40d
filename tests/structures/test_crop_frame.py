"""The geometry of a crop, against mmpose's, against torch's, and against itself."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmpose.structures.bbox import transforms as mmpose_transforms

from ktn_mm.structures.crop_frame import CropFrame, box_to_image, cell_centers, image_to_box


def random_frames(count=20, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield CropFrame(rng.uniform(-50, 700, 2), rng.uniform(20, 900, 2),
                        tuple(rng.integers(16, 400, 2)), rng.uniform(-180, 180))


def test_round_trip():
    points = np.random.default_rng(1).uniform(-100, 800, (7, 5, 2))
    for frame in random_frames():
        there = frame.to_crop(points)
        assert np.abs(there - points).max() > 1
        np.testing.assert_allclose(frame.to_image(there), points, atol=1e-8)


def test_agrees_with_mmpose_in_double_precision(monkeypatch):
    # mmpose stores its matrix as float32; its own arithmetic is run in float64 here.
    double = SimpleNamespace(zeros=lambda shape, dtype: np.zeros(shape), deg2rad=np.deg2rad,
                             float32=np.float32)
    for frame in random_frames():
        args = np.array(frame.center), np.array(frame.scale), frame.rotation, frame.size
        single = mmpose_transforms.get_udp_warp_matrix(*args)
        with monkeypatch.context() as patch:
            patch.setattr(mmpose_transforms, 'np', double)
            expected = mmpose_transforms.get_udp_warp_matrix(*args)
        assert expected.dtype == np.float64
        np.testing.assert_allclose(frame.matrix(), expected, rtol=0, atol=1e-9)
        np.testing.assert_allclose(frame.matrix(), single, rtol=1e-6, atol=1e-4)


def test_centre_of_the_box_is_the_centre_of_the_crop():
    for frame in random_frames():
        np.testing.assert_allclose(frame.to_crop(frame.center), (np.array(frame.size) - 1) / 2)


def test_mirrored_image_is_the_mirrored_crop():
    width = 641
    points = np.random.default_rng(2).uniform(0, 640, (50, 2))
    for frame in random_frames():
        mirrored = CropFrame((width - 1 - frame.center[0], frame.center[1]), frame.scale,
                             frame.size, -frame.rotation)
        flipped = points * (-1, 1) + (width - 1, 0)
        expected = frame.to_crop(points) * (-1, 1) + (frame.size[0] - 1, 0)
        np.testing.assert_allclose(mirrored.to_crop(flipped), expected, atol=1e-9)


@pytest.mark.parametrize('size, grid', [((192, 256), (96, 128)), ((48, 60), (12, 20)),
                                        ((288, 384), (144, 192))])
def test_cells_lie_where_torch_resizes(size, grid):
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float64), np.arange(size[1]))
    ramps = torch.from_numpy(np.stack([x, y]))[None]
    resized = F.interpolate(ramps, size=grid[::-1], mode='bilinear', align_corners=False)[0]
    np.testing.assert_allclose(cell_centers(size, grid), resized.permute(1, 2, 0).numpy(),
                               atol=1e-9)
    frame = CropFrame((10, 10), (50, 60), size)
    np.testing.assert_array_equal(frame.grid_points(grid), cell_centers(size, grid))


def test_box_frame_spans_the_box_edge_to_edge():
    box = np.array([10., 20., 4., 8.])
    # The box covers pixels 10..13: its left edge is half a pixel left of index 10.
    np.testing.assert_allclose(box_to_image(np.array([0., 0.]), box, 256), [9.5, 19.5])
    np.testing.assert_allclose(box_to_image(np.array([256., 256.]), box, 256), [13.5, 27.5])
    points = np.random.default_rng(3).uniform(0, 256, (30, 2))
    np.testing.assert_allclose(image_to_box(box_to_image(points, box, 256), box, 256), points)


@pytest.mark.parametrize('change, field', [
    (dict(scale=(0, 10)), 'scale'), (dict(scale=(np.nan, 10)), 'scale'),
    (dict(size=(0, 5)), 'size'), (dict(center=(np.inf, 0)), 'center'),
    (dict(center=(1, 2, 3)), 'center')])
def test_impossible_frames_are_refused(change, field):
    with pytest.raises(ValueError, match=field):
        CropFrame(**{**dict(center=(5, 5), scale=(10, 10), size=(8, 8)), **change})
