import importlib.util
import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model

import ktn_mm  # noqa: F401  (registers the models)

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/densepose_topdown/ktn_mobilenetv2_1xb16-demo_open-body-128x96.py'


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A model whose foreground is everywhere, so that its pictures show something."""
    torch.manual_seed(0)
    config = Config.fromfile(CONFIG)
    config.model.backbone.init_cfg = None
    model = init_model(config, device='cpu')
    with torch.no_grad():
        model.head.predictors['mask'].bias.copy_(torch.tensor([-50., 50.]))
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


@pytest.fixture
def infer(checkpoint, tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location('infer', ROOT / 'tools/infer.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(*args):
        command = ['infer.py', CONFIG, checkpoint, *args, '--out', tmp_path / 'out',
                   '--device', 'cpu']
        monkeypatch.setattr(sys, 'argv', [str(word) for word in command])
        return tool.main()
    return run


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'people.jpg'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8))
    return path


def test_three_files_that_agree(infer, picture, tmp_path):
    assert infer(picture, '--bboxes', '10,5,40,85;70,10,100,80') == 0
    out = tmp_path / 'out'
    iuv = cv2.imread(str(out / 'people_iuv.png'), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert iuv.shape == (90, 120, 3)
    assert 1 <= iuv[45, 25, 0] <= 24 and iuv[..., 0].max() <= 24
    with np.load(out / 'people.npz', allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays['iuv'], iuv)
        np.testing.assert_allclose(arrays['boxes'], [[10, 5, 40, 85], [70, 10, 100, 80]])
        assert arrays['labels'].shape == (2, 128, 96)
        assert arrays['keypoints'].shape == (2, 17, 2)
    overlay = cv2.imread(str(out / 'people_overlay.jpg'))
    assert overlay.shape == (90, 120, 3)


def test_boxes_by_picture_with_scores(infer, picture, tmp_path):
    boxes = tmp_path / 'boxes.json'
    boxes.write_text(json.dumps({'people.jpg': [[10, 5, 40, 85, 0.25]]}))
    assert infer(picture, '--bboxes', boxes) == 0
    with np.load(tmp_path / 'out/people.npz') as arrays:
        np.testing.assert_allclose(arrays['scores'], [0.25])


def test_existing_results_stay_and_broken_pictures_are_named(infer, picture, tmp_path, capsys):
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(b'no picture')
    assert infer(broken, picture) == 1
    said = capsys.readouterr()
    assert 'broken.jpg: not a picture' in said.err and '1 people in 1 pictures' in said.out
    before = (tmp_path / 'out/people.npz').read_bytes()
    assert infer(picture, '--bboxes', '10,5,40,85') == 1
    assert 'exists' in capsys.readouterr().err
    assert (tmp_path / 'out/people.npz').read_bytes() == before
    assert infer(picture, '--bboxes', '10,5,40,85', '--overwrite') == 0
    assert (tmp_path / 'out/people.npz').read_bytes() != before


@pytest.mark.parametrize('boxes, reason', [
    ('10,5,40', 'a box has 4 numbers'),
    ('200,5,240,85', 'people.jpg: box 0 .* outside the image'),
    ('40,5,10,85', 'people.jpg: box 0 .* no area'),
])
def test_bad_boxes_are_named(infer, picture, capsys, boxes, reason):
    assert infer(picture, '--bboxes', boxes) == 1
    assert re.search(reason, capsys.readouterr().err)


def test_words_for_boxes_are_refused(infer, picture):
    with pytest.raises(ValueError, match='must look like'):
        infer(picture, '--bboxes', 'everyone')
