import numpy as np
import pytest
from PIL import Image

from ktn_mm.app.scratch import Scratch


@pytest.fixture
def scratch():
    with Scratch() as folders:
        yield folders


def detect(image):
    """Find two people, one of them hardly; nobody in a dark picture."""
    if image.mean() < 50:
        return np.zeros((0, 4)), np.zeros(0)
    return np.array([[10, 5, 40, 85], [70, 10, 100, 80]]), np.array([.9, .4])


@pytest.fixture
def inferencer(painted, config, checkpoint):
    from ktn_mm.apis import DensePoseInferencer
    return DensePoseInferencer(config, checkpoint, det=detect)


@pytest.fixture
def picture(tmp_path):
    """120 x 90 pixels of which the stand-in makes surface 7 and U = 102 / 255."""
    path = tmp_path / 'people.png'
    Image.fromarray(np.full((90, 120, 3), (200, 102, 6), np.uint8)).save(path)
    return path
