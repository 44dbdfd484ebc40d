"""Crops of two sizes of numbers: 64 x 32 pixels, a few points, everything seeded."""
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.structures import PoseDataSample

WIDTH, HEIGHT, POINTS = 32, 64, 6


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def make_samples():
    """Return a maker of samples as the pipeline packs them."""

    def make(count=2, annotated=True, width=WIDTH, height=HEIGHT, points=POINTS):
        rng = np.random.default_rng(count)
        samples = []
        for _ in range(count):
            grid = (height // 2, width // 2)
            parts = rng.integers(0, 15, (1, *grid))
            surfaces = rng.integers(1, 25, (1, points))
            surfaces[0, -1] = 0
            weights = rng.integers(0, 2, (1, 17))
            weights[0, 0] = 1
            if not annotated:
                parts[:], surfaces[:], weights[:] = 255, 0, 0
            sample = PoseDataSample(metainfo=dict(
                input_size=(width, height), img_id=7,
                input_center=np.array([50., 60.]), input_scale=np.array([40., 80.])))
            sample.gt_fields = PixelData(
                heatmaps=torch.rand(17, *grid), dp_parts=torch.from_numpy(parts),
                dp_mask=torch.from_numpy(np.where(parts == 255, 255, parts > 0)))
            sample.gt_instance_labels = InstanceData(
                keypoint_weights=torch.from_numpy(weights).float(),
                dp_points=torch.from_numpy(
                    rng.uniform(0, [width - 1, height - 1], (1, points, 2))).float(),
                dp_surfaces=torch.from_numpy(surfaces),
                dp_uv=torch.from_numpy(rng.uniform(size=(1, points, 2))).float())
            sample.gt_instances = InstanceData(
                bboxes=np.array([[30., 20., 70., 100.]], np.float32),
                bbox_scores=np.array([0.8], np.float32))
            samples.append(sample)
        return samples

    return make


@pytest.fixture
def pyramid():
    """Return a maker of a backbone's four levels for crops of 64 x 32."""

    def make(channels=(4, 6, 8, 10), batch=2, height=16, width=8):
        return tuple(torch.randn(batch, c, height >> i, width >> i)
                     for i, c in enumerate(channels))

    return make
