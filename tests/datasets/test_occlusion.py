"""The occluder, against the same rectangle looked at pixel by pixel."""
import numpy as np
import pytest

from ktn_mm.codecs.sampling import sample_box_map, sample_image_map
from ktn_mm.datasets import RandomOcclusion
from ktn_mm.structures.crop_frame import CropFrame, box_to_image

BOX = np.array([10., 5., 240., 290.])


@pytest.fixture(params=[0., 25.], ids=['upright', 'turned'])
def sample(request):
    """A person that fills its box, in a crop of 96x128, with a point on every second pixel."""
    np.random.seed(0)
    frame = CropFrame((130., 150.), (150, 200), (96, 128), rotation=request.param)
    crop = np.stack(np.meshgrid(np.arange(0, 96, 2.), np.arange(0, 128, 2.)), -1).reshape(-1, 2)
    mask = np.ones((300, 260), np.uint8)
    return dict(img=np.zeros((128, 96, 3), np.uint8), crop_frame=frame,
                transformed_dp_points=crop.astype(np.float32), dp_points=frame.to_image(crop),
                dp_surfaces=np.arange(len(crop)), dp_uv=np.zeros((len(crop), 2)),
                dp_parts=np.full((256, 256), 3, np.uint8), dp_box=BOX, person_mask=mask)


@pytest.fixture
def fixed(monkeypatch):
    """An occluder in front of columns 20 to 49 and rows 30 to 69."""
    step = RandomOcclusion()
    monkeypatch.setattr(step, '_draw', lambda width, height: (
        np.array([20, 30, 50, 70]), np.full((40, 30, 3), 9, np.uint8)))
    return step


def test_everything_under_the_rectangle_goes_and_nothing_else(sample):
    before = {key: np.copy(value) for key, value in sample.items() if key != 'crop_frame'}
    out = RandomOcclusion(prob=1., area=(.05, .05))(dict(sample))
    covered = out['img'].any(-1)
    rows, cols = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    rectangle = np.zeros_like(covered)
    rectangle[rows[0]:rows[-1] + 1, cols[0]:cols[-1] + 1] = True
    assert abs(rectangle.mean() - .05) < .005

    x, y = before['transformed_dp_points'].astype(int).T
    seen = ~rectangle[y, x]
    assert 0 < (~seen).sum() < len(seen)
    np.testing.assert_array_equal(out['dp_surfaces'], np.flatnonzero(seen))
    for key in ('dp_points', 'transformed_dp_points', 'dp_uv'):
        np.testing.assert_array_equal(out[key], before[key][seen])

    # The maps are read at the pixels of the crop; at the rectangle's very edge both are right.
    pixels = np.stack(np.meshgrid(np.arange(96.), np.arange(128.)), -1)
    where = sample['crop_frame'].to_image(pixels)
    edge = np.zeros_like(rectangle)
    edge[max(rows[0] - 1, 0):rows[-1] + 2, max(cols[0] - 1, 0):cols[-1] + 2] = True
    edge[rows[0] + 1:rows[-1], cols[0] + 1:cols[-1]] = False
    inner = rectangle & ~edge
    for was, now in ((sample_box_map(before['dp_parts'], BOX, where),
                      sample_box_map(out['dp_parts'], BOX, where)),
                     (sample_image_map(before['person_mask'], where),
                      sample_image_map(out['person_mask'], where))):
        assert was[inner].any() and not now[inner].any()
        outer = ~rectangle & ~edge
        np.testing.assert_array_equal(now[outer], was[outer])


def test_the_sample_that_came_in_is_left_alone(sample):
    before = {key: np.copy(value) for key, value in sample.items() if key != 'crop_frame'}
    RandomOcclusion(prob=1.)(dict(sample))
    for key, value in before.items():
        np.testing.assert_array_equal(sample[key], value)


def test_points_go_up_to_the_edge_of_the_outermost_pixels(sample, fixed):
    crop = np.array([[19.4, 50], [19.6, 50], [49.4, 50], [49.6, 50],
                     [40, 29.4], [40, 29.6], [40, 69.4], [40, 69.6]])
    sample.update(transformed_dp_points=crop, dp_points=sample['crop_frame'].to_image(crop),
                  dp_surfaces=np.arange(8), dp_uv=np.zeros((8, 2)))
    assert fixed(sample)['dp_surfaces'].tolist() == [0, 3, 4, 7]


def test_masks_lose_the_pixels_whose_centres_are_hidden(sample, fixed):
    out, to_crop = fixed(dict(sample)), sample['crop_frame'].to_crop
    for key, to_image in (('person_mask', lambda centre: centre),
                          ('dp_parts', lambda centre: box_to_image(centre + .5, BOX, 256))):
        rows, columns = sample[key].shape
        crop = to_crop(to_image(np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1)))
        hidden = ((crop > (19.5, 29.5)) & (crop < (49.5, 69.5))).all(-1)
        np.testing.assert_array_equal(out[key], np.where(hidden, 0, sample[key]))
        assert hidden.sum() > 2000


def test_shares_and_probability():
    step = RandomOcclusion(prob=.3, area=(.02, .12))
    np.random.seed(1)
    frame = CropFrame((48., 64.), (96, 128), (96, 128))
    shares = []
    for _ in range(600):
        image = np.full((128, 96, 3), 255, np.uint8)
        out = step(dict(img=image, crop_frame=frame))['img']
        shares.append((out != 255).any(-1).mean())
    shares = np.array(shares)
    assert abs((shares > 0).mean() - .3) < .06
    assert shares[shares > 0].min() > .015 and shares.max() < .125


def test_a_person_without_annotation():
    frame = CropFrame((48., 64.), (96, 128), (96, 128))
    sample = dict(img=np.zeros((128, 96, 3), np.uint8), crop_frame=frame, dp_parts=None,
                  person_mask=None)
    assert RandomOcclusion(prob=1.)(sample)['img'].any()


def test_refusals():
    with pytest.raises(ValueError, match='must come after DensePoseTopdownAffine'):
        RandomOcclusion()(dict(img=np.zeros((8, 8, 3), np.uint8)))
    for wrong in (dict(prob=2), dict(area=(.2, .1)), dict(area=(0., .1)), dict(aspect=.5)):
        with pytest.raises(ValueError, match='RandomOcclusion: prob'):
            RandomOcclusion(**wrong)
