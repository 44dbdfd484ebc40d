"""Which boxes and masks ignore regions take out."""
import numpy as np
import pytest
from evaluation_cases import block_data
from pycocotools import mask as mask_utils

from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.ignore_regions import keeps_box, keeps_mask, region_mask
from ktn_mm.evaluation.masks import paste
from ktn_mm.evaluation.rules import CLEAN, DETECTRON2


def region(rows, columns, size=(20, 30)):
    mask = np.zeros(size, np.uint8)
    mask[rows, columns] = 1
    return mask


def test_the_box_has_all_its_rows_and_columns():
    box = np.array([2., 4., 10., 10.])  # columns 2..11, rows 4..13
    assert keeps_box(region(slice(4, 10), slice(2, 12)), box, drops_empty=True)  # 6 of 10 rows
    assert not keeps_box(region(slice(4, 11), slice(2, 12)), box, drops_empty=True)  # 7 of 10
    assert keeps_box(region(slice(8, 14), slice(2, 12)), box, drops_empty=True)
    assert not keeps_box(region(slice(7, 14), slice(2, 12)), box, drops_empty=True)  # the last 7
    assert keeps_box(region(slice(4, 14), slice(6, 12)), box, drops_empty=True)
    assert not keeps_box(region(slice(4, 14), slice(5, 12)), box, drops_empty=True)


@pytest.mark.parametrize('covered, kept', [(8, True), (9, False)])
def test_a_mask_goes_by_its_own_pixels(covered, kept):
    mask = mask_utils.encode(np.asfortranarray(region(slice(4, 14), slice(2, 12))))
    box = np.array([2., 4., 10., 10.])
    hidden = region(slice(4, 4 + covered), slice(2, 12))
    assert keeps_mask(hidden, mask, box, drops_empty=True) == kept
    hidden[15:] = hidden[:, 13:] = 1  # more region around it changes nothing
    assert keeps_mask(hidden, mask, box, drops_empty=True) == kept


def test_boxes_without_area_go_in_the_references_protocol_only():
    box = np.array([5., 5., .5, 10.])
    nowhere = region(slice(0, 1), slice(0, 1))
    assert DETECTRON2.drops_empty_boxes and not CLEAN.drops_empty_boxes
    for rules in (DETECTRON2, CLEAN):
        kept = keeps_box(nowhere, box, drops_empty=rules.drops_empty_boxes)
        assert kept == (rules is CLEAN)


def test_polygons_of_an_image_become_one_mask():
    data = block_data(count=2)
    data['images'][0].update(ignore_regions_x=[[0, 100, 100, 0], [300, 400, 300]],
                             ignore_regions_y=[[0, 0, 50, 50], [100, 100, 200]])
    region = region_mask(GroundTruth(data).images[100])
    assert region.shape == (300, 420) and region[25, 50] == 1 == region[110, 310]
    assert region[25, 150] == 0 == region[60, 50]


def test_masks_without_pixels_go_in_the_references_protocol_only():
    box = np.array([5., 5., .5, 9.])
    mask = paste(np.ones((1, 1)), box, 20, 30, truncates=True)
    for drops in (True, False):
        assert keeps_mask(region(slice(0, 1), slice(0, 1)), mask, box, drops_empty=drops) != drops
