import sys

import numpy as np

from ktn_mm.app.examples import make_examples


def test_the_examples_show_people_where_their_boxes_say():
    examples = list(make_examples())
    assert [one.name for one in examples] == ['astronaut', 'walking', 'two people', 'close by']
    for one in examples:
        height, width = one.picture.shape[:2]
        assert one.picture.dtype == np.uint8 and one.credit and one.boxes
        for x1, y1, x2, y2 in one.boxes:
            assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
    assert len(examples[2].boxes) == 2


def test_without_scikit_image_there_is_no_photograph(monkeypatch):
    monkeypatch.setitem(sys.modules, 'skimage.data', None)
    assert next(make_examples()).name == 'walking'
