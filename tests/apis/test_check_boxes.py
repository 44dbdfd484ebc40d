import numpy as np
import pytest

from ktn_mm.apis import check_boxes


def test_boxes_are_clipped_to_the_image():
    boxes = check_boxes([[-5, 2, 20, 300], [1, 2, 3, 4]], (100, 50))
    np.testing.assert_allclose(boxes, [[0, 2, 20, 50], [1, 2, 3, 4]])


def test_no_box_is_no_box():
    assert check_boxes([], (100, 50)).shape == (0, 4)


@pytest.mark.parametrize('box, reason', [
    ([10, 10, 10, 20], 'box 1 .*no area'),
    ([10, 20, 30, 10], 'box 1 .*no area'),
    ([10, 10, float('nan'), 20], 'box 1 .*not finite'),
    ([200, 10, 230, 20], 'box 1 .*outside the image of 100x50'),
])
def test_bad_boxes_are_named(box, reason):
    with pytest.raises(ValueError, match=reason):
        check_boxes([[0, 0, 9, 9], box], (100, 50))


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match='rows of x1, y1, x2, y2'):
        check_boxes([[1, 2, 3]], (100, 50))
