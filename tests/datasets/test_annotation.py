"""Every way in which dp_* entries can be wrong, and the official odd ones that are right."""
import pickle

import numpy as np
import pytest

from ktn_mm.datasets.annotation import check_box, check_keypoints, clip_box, read_points
from ktn_mm.structures.dense_annotation import AnnotationError, is_dense, read_masks

GOOD = dict(dp_x=[0., 128., 255.], dp_y=[1., 2., 3.], dp_I=[1., 24., 7.], dp_U=[0., .5, 1.],
            dp_V=[.1, .2, .3])
RLE = dict(size=[256, 256], counts='PPP4')


def test_points_are_read():
    points, surfaces, uv = read_points(GOOD)
    np.testing.assert_array_equal(points, [[0, 1], [128, 2], [255, 3]])
    np.testing.assert_array_equal(surfaces, [1, 24, 7])
    np.testing.assert_allclose(uv, [[0, .1], [.5, .2], [1, .3]])
    assert surfaces.dtype == np.int64 and uv.dtype == np.float32


def test_a_person_without_points_has_none():
    for ann in ({}, dict(dp_masks=[RLE]), {k: None for k in GOOD}, {k: [] for k in GOOD}):
        points, surfaces, uv = read_points(ann)
        assert points.shape == (0, 2) and surfaces.shape == (0,) and uv.shape == (0, 2)
    assert is_dense(dict(dp_masks=[])) and is_dense(GOOD) and not is_dense(dict(bbox=[]))


def test_a_single_point_may_be_a_number():
    points, surfaces, _ = read_points(dict(dp_x=3., dp_y=4., dp_I=2., dp_U=.5, dp_V=.5))
    np.testing.assert_array_equal(points, [[3, 4]])
    assert surfaces.tolist() == [2]


def test_a_little_beyond_the_range_is_clipped():
    _, _, uv = read_points(dict(GOOD, dp_U=[-1e-4, .5, 1 + 1e-4]))
    assert uv.min() == 0 and uv.max() == 1
    read_points(dict(GOOD, dp_x=[-.9, 128., 256.9]))


@pytest.mark.parametrize('change, field, value', [
    (dict(dp_U=[0., .5]), 'dp_U', '2'),
    (dict(dp_I=[1., 25., 7.]), 'dp_I[1]', '25'),
    (dict(dp_I=[0., 2., 7.]), 'dp_I[0]', '0'),
    (dict(dp_I=[1., 2.5, 7.]), 'dp_I[1]', '2.5'),
    (dict(dp_I=[1., float('nan'), 7.]), 'dp_I[1]', 'nan'),
    (dict(dp_U=[0., .5, 1.2]), 'dp_U[2]', '1.2'),
    (dict(dp_V=[-.3, .5, .2]), 'dp_V[0]', '-0.3'),
    (dict(dp_V=[.3, float('nan'), .2]), 'dp_V[1]', 'nan'),
    (dict(dp_x=[0., 300., 1.]), 'dp_x[1]', '300'),
    (dict(dp_y=[0., 1., -40.]), 'dp_y[2]', '-40'),
    (dict(dp_x=None), 'dp_x', 'missing'),
    (dict(dp_y='abc'), 'dp_y', 'abc'),
    (dict(dp_y=[[1., 2., 3.]]), 'dp_y', '[[1.0'),
    (dict(dp_y=[1., 'x', 3.]), 'dp_y', "'x'")])
def test_bad_points_name_field_and_value(change, field, value):
    with pytest.raises(AnnotationError) as caught:
        read_points(dict(GOOD, **change))
    assert field in str(caught.value) and value in str(caught.value)


def test_masks_of_the_official_forms_are_taken():
    assert read_masks({}) is None and read_masks(dict(dp_masks=[])) is None
    assert read_masks(dict(dp_masks=[[]] * 14)) is None
    assert read_masks(dict(dp_masks=RLE)) == RLE
    masks = [RLE] + [[]] * 13
    assert read_masks(dict(dp_masks=masks)) == masks


@pytest.mark.parametrize('masks, said', [
    ([RLE] * 13, '13 entries'), ('abc', 'str'), (dict(RLE, size=[256, 255]), '[256, 255]'),
    ([[]] * 13 + [dict(RLE, size=[128, 128])], 'dp_masks[13].size'),
    ([dict(size=[256, 256])] + [[]] * 13, 'dp_masks[0]'), ([7] + [[]] * 13, 'dp_masks[0] = 7'),
    ([dict(RLE, counts='')] + [[]] * 13, 'dp_masks[0].counts')])
def test_masks_of_another_form_are_named(masks, said):
    with pytest.raises(AnnotationError) as caught:
        read_masks(dict(dp_masks=masks))
    assert said in str(caught.value)


@pytest.mark.parametrize('bbox, said', [
    ([1, 2, 0, 5], 'without area'), ([1, 2, 3, -5], 'without area'), ([1, 2, 3], 'four'),
    ([1, 2, float('nan'), 3], 'four'), ('box', 'four'), ([100, 0, 5, 5], 'outside'),
    ([-9, 0, 9, 5], 'outside'), ([0, 80, 5, 5], 'outside')])
def test_bad_boxes_are_named(bbox, said):
    with pytest.raises(AnnotationError, match=said):
        check_box(dict(bbox=bbox), width=100, height=80)
    with pytest.raises(AnnotationError, match='bbox'):
        check_box({}, 100, 80)
    np.testing.assert_array_equal(check_box(dict(bbox=[-3, 2, 9, 90]), 100, 80), [-3, 2, 9, 90])


def test_boxes_end_at_the_edge_of_the_last_pixel():
    np.testing.assert_array_equal(clip_box(np.array([90., 70, 10, 10]), 100, 80),
                                  [90, 70, 100, 80])
    np.testing.assert_array_equal(clip_box(np.array([-3., 2, 9, 90]), 100, 80), [0, 2, 6, 80])
    np.testing.assert_array_equal(check_box(dict(bbox=[99, 79, 1, 1]), 100, 80), [99, 79, 1, 1])


def test_keypoints_are_counted():
    assert check_keypoints({}, 17) == [0.] * 51
    with pytest.raises(AnnotationError, match='keypoints'):
        check_keypoints(dict(keypoints=[1, 2, 2]), 17)
    with pytest.raises(AnnotationError, match='51 finite'):
        check_keypoints(dict(keypoints=[float('inf')] * 51), 17)


def test_the_error_survives_a_worker_process():
    error = pickle.loads(pickle.dumps(AnnotationError('reason', 'field = 1')))
    assert error.reason == 'reason' and str(error) == 'field = 1: reason'
