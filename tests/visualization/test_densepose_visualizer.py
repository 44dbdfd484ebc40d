from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ktn_mm.testing import make_tiny_dataset
from ktn_mm.visualization.painting import SURFACE_COLORS


@pytest.fixture
def runner(config, checkpoint, tmp_path):
    """A test run of the small network on dolls, with mmpose's hook that draws."""
    from mmengine.runner import Runner
    paths = make_tiny_dataset(tmp_path / 'dolls', num_images=2)
    settings = Config.fromfile(config)
    settings.work_dir = str(tmp_path / 'work')
    settings.load_from = checkpoint
    settings.model.backbone.init_cfg = None
    loader = settings.test_dataloader
    loader.update(batch_size=2, num_workers=0, persistent_workers=False)
    loader.dataset.update(data_root='', ann_file=paths.ann_file,
                          data_prefix=dict(img=paths.img_dir + '/'))
    for metric in settings.test_evaluator:
        metric.ann_file = paths.ann_file
    settings.default_hooks.visualization.update(
        enable=True, interval=1, out_dir=str(tmp_path / 'drawn'))
    settings.visualizer.name = f'drawing_{tmp_path.name}'
    settings.experiment_name = tmp_path.name
    init_default_scope('mmpose')
    return Runner.from_cfg(settings), Path(paths.img_dir), tmp_path / 'drawn'


def test_mmposes_hook_draws_surfaces_and_keypoints(runner):
    run, pictures, drawn = runner
    run.test()
    files = sorted(drawn.iterdir())
    assert len(files) == 4  # two people each on two pictures
    for file in files:
        original = cv2.imread(str(pictures / f'{file.stem.rsplit("_", 1)[0]}.png'))
        shown = cv2.imread(str(file))
        assert shown.shape == original.shape
        changed = (np.abs(shown.astype(int) - original).max(-1) > 10).mean()
        assert changed > 0.1
        # where only a surface was laid over, the picture shines through it
        residue = (shown[..., ::-1].astype(float) - 0.4 * original[..., ::-1]) / 0.6
        distance = np.abs(residue[:, :, None] - SURFACE_COLORS[1:].astype(float)).max(-1).min(-1)
        assert (distance < 6).mean() > 0.05
