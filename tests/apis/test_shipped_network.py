"""The pose networks that come with the project, by their names."""
import numpy as np
import pytest

from ktn_mm.apis import DensePoseInferencer
from ktn_mm.surface.charts import SURFACES
from ktn_mm.synth.body import open_body
from ktn_mm.synth.garments import Tailor
from ktn_mm.synth.picture import draw_picture
from ktn_mm.synth.scene import draw_scene

NAMES = ('ktn-mobilenetv2-open-body', 'ktn-mobilenetv2-open-body-small')
PARTS = np.array([0, *(s.part for s in SURFACES)])


@pytest.fixture(scope='module', params=NAMES)
def inferencer(request):
    return DensePoseInferencer(request.param, device='cpu')


def test_people_of_pictures_it_has_never_seen(inferencer):
    """Random surfaces would be right at 1 pixel in 24, random parts at 1 in 14."""
    body, tailor = open_body(), Tailor(open_body())
    right, parts, found, pixels = 0, 0, 0, 0
    for seed in (2, 6, 11, 12):
        rng = np.random.default_rng(seed)
        scene = draw_scene(rng, 'test', (320, 320), body, tailor, use_photos=False)
        picture, truth = draw_picture(scene, body, tailor, rng)
        rows, columns = np.nonzero(truth.person == 1)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        result, = inferencer(np.ascontiguousarray(picture[..., ::-1]), bboxes=[box])
        labels = result.to_maps()[0][rows, columns]
        true = truth.surface[rows, columns]
        pixels += len(true)
        found += (labels > 0).sum()
        right += (labels == true).sum()
        parts += (PARTS[labels] == PARTS[true]).sum()
    print(f'found {found / pixels:.2f}, surface {right / pixels:.2f}, part {parts / pixels:.2f}')
    assert found > .7 * pixels and parts > .5 * pixels and right > .35 * pixels


def test_the_head_of_a_photograph_has_two_halves(inferencer):
    from skimage.data import astronaut
    image = np.ascontiguousarray(astronaut()[..., ::-1])
    result, = inferencer(image, bboxes=[[20, 0, 460, 512]])
    labels = result.to_maps()[0]
    assert labels[110, 200] == 23 and labels[110, 250] == 24  # the person's right is at our left
    assert labels[300, 230] == 2  # the torso's front
    assert not labels[20:100, 330:400].any()
