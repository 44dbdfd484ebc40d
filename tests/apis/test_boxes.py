import numpy as np
import pytest

from ktn_mm.apis import check_boxes
from ktn_mm.apis.boxes import GivenBoxes
from ktn_mm.apis.sources import Frame


def test_boxes_are_clipped_to_the_image():
    boxes, scores = check_boxes([[-5, 2, 20, 300], [1, 2, 3, 4, .25]], (100, 50))
    np.testing.assert_allclose(boxes, [[0, 2, 20, 50], [1, 2, 3, 4]])
    np.testing.assert_allclose(scores, [1, .25])


@pytest.mark.parametrize('nothing', [[], np.zeros((0, 4)), np.zeros((0, 5))])
def test_no_box_is_no_box(nothing):
    boxes, scores = check_boxes(nothing, (100, 50))
    assert boxes.shape == (0, 4) and scores.shape == (0,)


@pytest.mark.parametrize('box, reason', [
    ([10, 10, 10, 20], 'box 1 .*no area'),
    ([10, 20, 30, 10], 'box 1 .*no area'),
    ([10, 10, float('nan'), 20], 'box 1 .*not finite'),
    ([200, 10, 230, 20], 'box 1 .*outside the image of 100x50'),
    ([-9, 10, 0, 20], 'box 1 .*outside the image of 100x50'),
    ([1, 1, 9, 9, float('inf')], 'box 1 .*score inf is not finite'),
    ([1, 1, 9, 9, 1.5], 'box 1 .*score must lie in .0, 1., got 1.5'),
    ([1, 2, 3], 'box 1 .*4 numbers, or 5'),
])
def test_bad_boxes_are_named(box, reason):
    with pytest.raises(ValueError, match=reason):
        check_boxes([[0, 0, 9, 9], box], (100, 50))


@pytest.mark.parametrize('rows', [[1, 2, 3, 4], 'all', [['a', 'b', 'c', 'd']], 7])
def test_what_is_no_rows_is_refused(rows):
    with pytest.raises(ValueError, match='rows of x1, y1, x2, y2'):
        check_boxes(rows, (100, 50))


A, B = [0., 0., 5., 5.], [1., 1., 6., 6., .5]
IMAGE = np.zeros((8, 9, 3), np.uint8)


def handed_out(boxes, *places):
    given = GivenBoxes(boxes)
    return [given(Frame(source, number, IMAGE, place))
            for place, (source, number) in enumerate(places)]


def test_the_same_boxes_for_all_or_one_entry_each():
    places = ('x/a.jpg', None), ('x/b.jpg', None)
    assert handed_out([A, B], *places) == [[A, B], [A, B]]
    assert handed_out([], *places) == [[], []]
    assert handed_out([[A], []], *places) == [[A], []]
    assert handed_out([[], [A, B]], *places) == [[], [A, B]]
    stacked = np.array([[A], [A]]) + np.arange(2)[:, None, None]
    np.testing.assert_array_equal(handed_out(stacked, *places)[1], stacked[1])
    np.testing.assert_array_equal(handed_out(np.array([A]), *places)[1], [A])


def test_an_iterator_is_read_once_for_all_pictures():
    places = ('a.jpg', None), ('b.jpg', None), ('c.jpg', None)
    assert handed_out(iter([[A], [], [B]]), *places) == [[A], [], [B]]
    assert handed_out(zip([A, B]), *places[:2]) == [(A, ), (B, )]


def test_rows_may_come_from_an_iterator():
    np.testing.assert_array_equal(check_boxes(iter([A, B]), (100, 50))[0], [A[:4], B[:4]])


def test_a_bad_box_may_be_left_out():
    said = []
    rows = [A, [0, 0, np.nan, 5], [200, 0, 300, 5], B, [7, 7, 7.00000001, 9]]
    boxes, scores = check_boxes(rows, (100, 50), said.append)
    np.testing.assert_array_equal(boxes, [A[:4], B[:4]])
    assert scores.tolist() == [1, .5]
    assert [str(error).split(' = ')[0] for error in said] == ['box 1', 'box 2', 'box 4']
    assert 'no area' in str(said[2])  # none is left in float32


def test_boxes_by_name_and_by_frame():
    boxes = {'a.jpg': [A], 'v.mp4': [[B], [], [A, B]]}
    assert handed_out(boxes, ('v.mp4', 2), ('x/a.jpg', None), ('v.mp4', 1)) == [[A, B], [A], []]


@pytest.mark.parametrize('boxes, place, reason', [
    ({'a.jpg': [A]}, ('b.jpg', None), "no boxes for 'b.jpg'; there are boxes for 'a.jpg'$"),
    ({}, ('b.jpg', None), "no boxes for 'b.jpg'; there are none at all$"),
    ({f'x/{i}.jpg': [A] for i in range(4)}, ('x/0.jpg', None),
     r"no boxes for '0.jpg'; there are boxes for 'x/0.jpg', 'x/1.jpg', 'x/2.jpg', ... \(4\)$"),
    ({'v.mp4': [[A], [A]]}, ('v.mp4', 2), "boxes of 'v.mp4' are 2 entries, none for number 2"),
])
def test_missing_boxes_are_named(boxes, place, reason):
    with pytest.raises(ValueError, match=reason):
        handed_out(boxes, place)


@pytest.mark.parametrize('boxes, count, reason', [
    ([[A], [B], []], 2, 'boxes are 3 entries, but 2'),
    ({'v.mp4': [[A], [A]], 'w.mp4': [[A]] * 9}, 1, "boxes of 'v.mp4' are 2 entries, but 1"),
])
def test_entries_that_are_left_over_are_told(boxes, count, reason):
    given = GivenBoxes(boxes)
    for number in range(count):
        given(Frame('v.mp4', number, IMAGE, number))
    with pytest.raises(ValueError, match=reason):
        given.finish()


@pytest.mark.parametrize('boxes', [[A, B], [[A], [B]], {'v.mp4': [[A], [B]]}, {'v.mp4': [A]}])
def test_boxes_that_fit_leave_none_over(boxes):
    given = GivenBoxes(boxes)
    for number in range(2):
        given(Frame('v.mp4', number, IMAGE, number))
    given.finish()


def test_files_of_one_name_share_their_entries():
    given = GivenBoxes({'v.mp4': [[A]] * 3})
    for number in (0, 1, 2, 0, 1):  # a/v.mp4, then the shorter b/v.mp4
        given(Frame('v.mp4', number, IMAGE, number))
    given.finish()
