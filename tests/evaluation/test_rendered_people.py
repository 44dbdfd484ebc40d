"""The protocol on the open body and on people whose every pixel is known."""
from functools import partial

import numpy as np
import pytest
from evaluation_cases import size_of
from PIL import Image

from ktn_mm.evaluation import GroundTruth, box_picture, evaluate, measure
from ktn_mm.evaluation.gps import point_scores
from ktn_mm.structures.crop_frame import CropFrame
from ktn_mm.surface.template import SurfaceTemplate
from ktn_mm.synth.dataset import make_dataset


@pytest.fixture(scope='module')
def body():
    return SurfaceTemplate.load()


@pytest.fixture(scope='module')
def rendered(tmp_path_factory):
    """Return the annotation file's content and, for each person, its (3, h, w) truth."""
    out = tmp_path_factory.mktemp('rendered')
    data = make_dataset(out, {'val': 3}, (320, 320), seed=1, dense=True, use_photos=False,
                        progress=False)['val']
    maps = {}
    for image in data['images']:
        stem = out / 'val' / image['file_name'].removesuffix('.jpg')
        iuv, ids = (np.asarray(Image.open(f'{stem}_{kind}.png')) for kind in ('iuv', 'ids'))
        own = [a['id'] for a in data['annotations'] if a['image_id'] == image['id']]
        for number, annotation_id in enumerate(own, 1):
            maps[annotation_id] = (iuv * (ids == number)[..., None]).transpose(2, 0, 1)
    return data, maps


def figures(rendered, body, change=lambda picture: picture, *, compat, look=None):
    """Score every person's truth, seen through ``look`` and changed, in its annotated box."""
    data, maps = rendered
    truth = GroundTruth(data, compat=compat)
    detections = []
    for annotation in data['annotations']:
        box = np.array(annotation['bbox'])
        picture = (look or cut)(maps[annotation['id']], box)
        detections.append(measure(change(picture), box, 1., truth, annotation['image_id']))
    return evaluate(truth, detections, body)


def cut(full, box):
    """Cut the box out of the image's map."""
    x, y, w, h = box.astype(int)
    return full[:, y:y + h, x:x + w]


def through_crop(full, box, shift=(0, 0)):
    """Read the box from a crop of 192 x 256, as from a network that knows the truth.

    ``shift`` pretends that the crop lies somewhere else, in pixels.
    """
    width = max(box[2], box[3] * .75) * 1.25
    frame = CropFrame(box[:2] + (box[2:] - 1) / 2, (width, width / .75), (192, 256))
    x, y = np.rint(frame.to_image(frame.grid_points((192, 256)))).astype(int).transpose(2, 0, 1)
    inside = (x >= 0) & (x < full.shape[2]) & (y >= 0) & (y < full.shape[1])
    crop = np.where(inside, full[:, y.clip(0, full.shape[1] - 1), x.clip(0, full.shape[2] - 1)], 0)
    frame = CropFrame(np.add(frame.center, shift), frame.scale, frame.size)
    picture = box_picture(crop[0], (crop[1:] / 255.).astype(np.float16), frame, box)
    assert picture.shape[1:] == size_of(box)
    return picture


def test_truth_is_perfect_where_points_lie_where_they_were_annotated(rendered, body):
    result = figures(rendered, body, compat=None)
    assert result['GPS/AP'] == result['GPSm/AP'] == pytest.approx(1)
    assert result['mean_GPS'] > .999
    assert result['foreground_recall'] == result['surface_accuracy'] == 1


def test_truth_as_the_reference_reads_it(rendered, body):
    """/255 moves points by up to a pixel, over the rim of thin limbs (Q2)."""
    result = figures(rendered, body, compat='detectron2')
    assert result['GPS/AP50'] == result['GPS/AP75'] == pytest.approx(1)
    assert .9 < result['mean_GPS'] < .999


def test_truth_through_a_crop(rendered, body):
    """A crop loses a rim by its coarseness, but looks neither left, right, up nor down."""
    result = figures(rendered, body, compat=None, look=through_crop)
    assert result['GPS/AP50'] == result['GPS/AP75'] == pytest.approx(1)
    assert result['segm/AP50'] == result['segm/AP75'] == pytest.approx(1)
    assert result['mean_GPS'] > .94
    for shift in ((.5, 0), (-.5, 0), (0, .5), (0, -.5)):
        look = partial(through_crop, shift=shift)
        shifted = figures(rendered, body, compat=None, look=look)
        assert shifted['mean_GPS'] < result['mean_GPS'] - .01


def test_wrong_uv_and_swapped_sides(rendered, body):
    def random_uv(picture):
        noise = np.random.default_rng(0).integers(0, 256, picture.shape)
        return np.concatenate([picture[:1], noise[1:]]).astype(np.uint8)

    def swapped(picture):
        surface, uv = body.mirror(picture[0].astype(int), picture[1:].transpose(1, 2, 0) / 255.)
        return np.concatenate([surface[None], uv.transpose(2, 0, 1) * 255]).astype(np.uint8)

    def noisy(sigma):
        def change(picture):
            rng = np.random.default_rng(1)
            uv = picture[1:] + 255 * sigma * rng.normal(size=picture[1:].shape)
            return np.concatenate([picture[:1], np.clip(uv, 0, 255)]).astype(np.uint8)
        return change

    random = figures(rendered, body, random_uv, compat='detectron2')
    assert random['mean_GPS'] < .75 and random['GPS/AP'] < .5
    mirrored = figures(rendered, body, swapped, compat='detectron2')
    assert mirrored['mean_GPS'] < .4 and mirrored['GPS/AP'] < .05
    assert mirrored['left_right_accuracy'] < .05
    means = [figures(rendered, body, noisy(s), compat='detectron2')['mean_GPS']
             for s in (0, .1, .2, .4)]
    assert means == sorted(means, reverse=True) and means[0] > means[-1] + .1


def test_gps_of_noise_on_the_open_body(body):
    """Quantising costs nothing; noise in U, V costs what it costs on the official body too."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(body.surface), 2000)
    surface, uv = body.surface[rows], body.uv[rows]
    vertex = body.nearest_vertex(surface, uv)

    def gps(other):
        found = body.nearest_vertex(surface, np.clip(other, 0, 1))
        return point_scores(body.distance(vertex, found), surface).mean()

    assert gps(uv) == 1
    assert gps((uv * 255).astype(np.uint8) / 255.) > .999
    # the official body: .989, .966, .901 for one person
    scores = [gps(uv + sigma * rng.normal(size=uv.shape)) for sigma in (.05, .1, .2)]
    np.testing.assert_allclose(scores, [.98, .94, .85], atol=.05)
