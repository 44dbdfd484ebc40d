"""A stand-in for the network, and a small real one.

What needs torch is imported where it is used: many tests run without.
"""
from pathlib import Path

import numpy as np
import pytest

from ktn_mm.structures import CropFrame, PersonMaps, PersonPose
from ktn_mm.surface.charts import SURFACE_TWIN

CONFIG = (Path(__file__).resolve().parents[1] / 'configs/densepose_topdown'
          / 'ktn_mobilenetv2_1xb16-demo_open-body-128x96.py')


class PaintedBoxes:
    """A backend whose people are their boxes: surface and U tell the colour of the picture.

    Attributes:
        batches: how many crops each call of ``estimate`` got.
    """

    def __init__(self) -> None:
        self.batches = []

    def crop(self, image, box, score):
        return image[0, 0].tolist(), np.array(box), score

    def estimate(self, crops):
        self.batches.append(len(crops))
        return [self._person(*crop) for crop in crops]

    def _person(self, color, box, score):
        frame = CropFrame((box[:2] + box[2:] - 1) / 2, box[2:] - box[:2], (8, 16))
        labels = np.full((16, 8), 1 + color[0] % 24, np.uint8)
        uv = np.stack([np.full((16, 8), color[1] / 255), np.linspace(0, 1, 16)[:, None]
                       .repeat(8, 1)])
        keypoints = np.linspace(box[:2], box[2:], 17)
        return PersonPose(box, score, keypoints, np.linspace(0, 1, 17),
                          PersonMaps(frame, labels, uv))


class BentTemplate:
    """A template whose mirror is its own inverse, but no mere 1 - U, and differs between twins.

    Charts of one of two twins are turned by a quarter, those of the other are turned back; of the
    torso U becomes 1 - U.
    """

    def mirror(self, surface, uv):
        surface, uv = np.asarray(surface), np.asarray(uv, np.float32)
        u, v = uv[..., 0], uv[..., 1]
        twin = SURFACE_TWIN[surface]
        kinds = [surface <= 2, surface < twin]
        return twin, np.stack([np.select(kinds, [1 - u, 1 - v], v),
                               np.select(kinds, [v, u], 1 - u)], -1)


@pytest.fixture(scope='session', autouse=True)
def own_cache(tmp_path_factory):
    """Compute what is kept for later processes anew, and leave the user's cache alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('KTN_MM_CACHE', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(scope='session')
def bent_template():
    return BentTemplate()


@pytest.fixture
def painted(monkeypatch):
    """Put the stand-in where the network would be; its config and checkpoint are any files."""
    from ktn_mm.apis import backends
    backend = PaintedBoxes()
    monkeypatch.setitem(backends.BACKENDS, 'pytorch', lambda *args: backend)
    return backend


@pytest.fixture(scope='session')
def config():
    return str(CONFIG)


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory):
    """A model whose foreground is everywhere, so that its pictures show something."""
    import torch
    from mmengine.config import Config
    from mmpose.apis import init_model
    torch.manual_seed(0)
    config = Config.fromfile(CONFIG)
    config.model.backbone.init_cfg = None
    model = init_model(config, device='cpu')
    with torch.no_grad():
        model.head.predictors['mask'].bias.copy_(torch.tensor([-50., 50.]))
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)
