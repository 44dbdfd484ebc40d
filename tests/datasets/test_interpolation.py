"""Added correspondences, against the barycentric formula written out."""
import numpy as np
import pytest

from ktn_mm.datasets import InterpolateCorrespondences
from ktn_mm.datasets.transforms.interpolation import interpolate_uv
from ktn_mm.structures.crop_frame import CropFrame

CORNERS = np.array([[10., 10.], [34., 12.], [16., 30.]])
UV = np.array([[0., .2], [1., .4], [.3, .9]])


def cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def barycentric(points, corners):
    """Return the (N, 3) barycentric coordinates: ratios of the areas of triangles."""
    whole = cross(corners[1] - corners[0], corners[2] - corners[0])
    return np.stack([cross(corners[(k + 1) % 3] - points, corners[(k + 2) % 3] - points) / whole
                     for k in range(3)], -1)


def test_one_triangle_equals_the_formula():
    where = np.random.default_rng(0).uniform(0, 45, (400, 2))
    index, values = interpolate_uv(CORNERS, UV, where, max_edge=40)
    weights = barycentric(where, CORNERS)
    np.testing.assert_array_equal(index, np.flatnonzero((weights >= 0).all(1)))
    assert 20 < len(index) < 380
    np.testing.assert_allclose(values, weights[index] @ UV, atol=1e-12)


def test_a_linear_chart_is_recovered():
    rng = np.random.default_rng(1)
    known, where = rng.uniform(0, 50, (40, 2)), rng.uniform(10, 40, (200, 2))
    index, values = interpolate_uv(known, known / 50, where, max_edge=100)
    assert len(index) > 150
    np.testing.assert_allclose(values, where[index] / 50, atol=1e-9)


def test_long_edges_lines_and_lone_points_give_nothing():
    where = np.array([[18., 16.], [20., 20.]])
    assert len(interpolate_uv(CORNERS, UV, where, max_edge=40)[0]) == 2
    for known, limit in ((CORNERS, 20.), (CORNERS[:2], 99.), (CORNERS[:0], 99.),
                         (np.array([[0., 0.], [20., 20.], [40., 40.]]), 99.),
                         (np.tile(CORNERS[:1], (5, 1)), 99.)):
        assert len(interpolate_uv(known, np.zeros((len(known), 2)), where, limit)[0]) == 0


@pytest.fixture
def sample():
    """Two surfaces side by side in one crop; part 2 (hand) on the left, 14 (head) on the right."""
    rng = np.random.default_rng(2)
    points = np.concatenate([rng.uniform((20, 20), (90, 200), (60, 2)),
                             rng.uniform((100, 20), (170, 200), (60, 2))]).astype(np.float32)
    frame = CropFrame((95.5, 127.5), (191, 255), (192, 256))
    parts = np.zeros((256, 256), np.uint8)
    parts[:, :128] = 2
    parts[:, 128:] = 14
    parts[100:130, :64] = 5
    return dict(crop_frame=frame, transformed_dp_points=points,
                dp_points=frame.to_image(points).astype(np.float32),
                dp_surfaces=np.repeat([3, 23], 60), dp_uv=points / np.float32(256),
                dp_parts=parts, dp_box=np.array([-.5, -.5, 192, 256]))


def test_without_parts_new_points_stay_inside_the_persons_mask(sample):
    del sample['dp_parts']
    sample['person_mask'] = np.ones((256, 192), np.uint8)
    sample['person_mask'][100:130, 30:80] = 0  # such as behind an occluder
    new = InterpolateCorrespondences(stride=4, max_edge=30, max_added=10 ** 6)(
        dict(sample))['transformed_dp_points'][120:]
    hidden = ((new > [29.5, 99.5]) & (new < [79.5, 129.5])).all(1)
    assert len(new) > 300 and not hidden.any()
    everywhere = InterpolateCorrespondences(stride=4, max_edge=30, max_added=10 ** 6)(
        dict(sample, person_mask=None))['transformed_dp_points'][120:]
    assert len(everywhere) > len(new) + 20


def test_new_points_stay_on_their_surface_and_part(sample):
    before = {key: np.copy(sample[key]) for key in
              ('transformed_dp_points', 'dp_points', 'dp_surfaces', 'dp_uv')}
    after = InterpolateCorrespondences(stride=4, max_edge=30, max_added=10 ** 6)(dict(sample))
    for key, values in before.items():
        np.testing.assert_array_equal(after[key][:120], values)
        assert after[key].dtype == values.dtype and len(after[key]) == len(after['dp_uv'])
    new = after['transformed_dp_points'][120:]
    surface = after['dp_surfaces'][120:]
    assert len(new) > 300 and set(surface) == {3, 23}
    # Within one surface the UV of this chart is the position.
    np.testing.assert_allclose(after['dp_uv'][120:], new / 256, atol=1e-5)
    assert (new[surface == 3, 0] <= 90).all() and (new[surface == 23, 0] >= 100).all()
    # Part 5 lies over some of the hand's triangles: nothing may be added there.
    boxed = np.floor(new + .5) * (256 / 192, 1)
    on_foot = (boxed[:, 1] >= 100) & (boxed[:, 1] < 130) & (boxed[:, 0] < 63)
    assert not on_foot.any()
    without = InterpolateCorrespondences(stride=4, max_edge=30, max_added=10 ** 6)(
        dict(sample, dp_parts=None))
    assert len(without['dp_uv']) > len(after['dp_uv'])
    # All lie on the lattice of stride 4.
    np.testing.assert_allclose((new - 1.5) % 4, 0, atol=1e-4)


def test_the_cap_and_the_seed(sample):
    step = InterpolateCorrespondences(stride=2, max_added=50)
    np.random.seed(3)
    first = step(dict(sample))
    np.random.seed(3)
    second = step(dict(sample))
    assert len(first['dp_surfaces']) == len(first['dp_points']) == 170
    np.testing.assert_array_equal(first['dp_points'], second['dp_points'])
    assert not np.array_equal(first['dp_points'], step(dict(sample))['dp_points'])
    np.testing.assert_allclose(sample['crop_frame'].to_crop(first['dp_points']),
                               first['transformed_dp_points'], atol=1e-3)


def test_a_body_of_unknown_part_is_taken(sample):
    sample['dp_parts'][:] = 255
    assert len(InterpolateCorrespondences()(dict(sample))['dp_uv']) == 248


def test_without_points_nothing_happens(sample):
    empty = dict(sample, dp_surfaces=np.zeros(0, np.int64))
    assert InterpolateCorrespondences()(empty) is empty
    with pytest.raises(ValueError, match='after DensePoseTopdownAffine'):
        InterpolateCorrespondences()({})
    with pytest.raises(ValueError, match='stride'):
        InterpolateCorrespondences(stride=0)
