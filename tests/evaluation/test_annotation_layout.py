import copy

import pytest
from evaluation_cases import block_data

from ktn_mm.evaluation import GroundTruth
from ktn_mm.evaluation.annotation_layout import check_layout


def changed(place, value):
    """Return block data with one value replaced, or taken out for Ellipsis."""
    data = copy.deepcopy(block_data(count=2))
    *path, last = place
    target = data
    for key in path:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return data


@pytest.mark.parametrize('place, value, words', [
    (['images'], 5, "no list 'images'"), (['images'], ..., "no list 'images'"),
    (['annotations'], dict(a=1), "no list 'annotations'"),
    (['categories'], 3, "no list 'categories'"),
    (['images', 0], 5, r'images\[0\]: must be an object, got int'),
    (['images', 0, 'id'], ..., r'images\[0\] has no id'),
    (['images', 0, 'id'], None, r'images\[0\]: id must be an integer or text, got None'),
    (['images', 0, 'height'], ..., r'images\[0\], image 100: height .* got None'),
    (['images', 0, 'height'], 'x', r"images\[0\], image 100: height .* got 'x'"),
    (['images', 0, 'height'], .5, r'images\[0\], image 100: height .* got 0.5'),
    (['images', 0, 'height'], float('inf'), r'images\[0\], image 100: height .* got inf'),
    (['images', 0, 'width'], -4, r'images\[0\], image 100: width .* got -4'),
    (['images', 0, 'ignore_regions_x'], 5, 'ignore_regions_x must be a list of lists, got 5'),
    (['images', 0, 'ignore_regions_x'], [3], r'ignore_regions_x must be .*, got \[3\]'),
    (['images', 0, 'ignore_regions_x'], [[3, 4]], r'ignore_regions_x\[0\] .* got \[3, 4\]'),
    (['images', 0, 'ignore_regions_x'], [[3, 4, 'a']], r'ignore_regions_x\[0\] .* three'),
    (['images', 0, 'ignore_regions_x'], [[3, 4, 1e300]], r'ignore_regions_x\[0\] .* within'),
    (['images', 0, 'ignore_regions_y'], [[3, 4, 5]], 'differ in length'),
    (['annotations', 1], 'text', r'annotations\[1\]: must be an object, got str'),
    (['annotations', 1, 'id'], [1], r'annotations\[1\]: id must be'),
    (['annotations', 1, 'image_id'], [1], r'annotations\[1\]: image_id must be'),
    (['categories', 0], dict(name='person'), r'categories\[0\] has no id')])
def test_what_is_no_annotation_file(place, value, words):
    with pytest.raises(ValueError, match='people.json: .*' + words):
        GroundTruth(changed(place, value), 'people.json')


@pytest.mark.parametrize('data', [None, 5, ['images']])
def test_what_is_no_object(data):
    with pytest.raises(ValueError, match='people.json: must hold an object'):
        check_layout(data, 'people.json')


def test_ids_of_two_kinds():
    data = block_data(count=3)
    data['images'][0]['id'] = 'a'
    with pytest.raises(ValueError, match='some ids of images are numbers'):
        check_layout(data, 'people.json')


def test_regions_of_unequal_length():
    data = block_data(count=3)
    data['images'][1].update(ignore_regions_x=[[1, 2, 3]], ignore_regions_y=[[1, 2, 3, 4]])
    with pytest.raises(ValueError, match=r'^people.json: images\[1\], image 102: .* differ'):
        GroundTruth(data, 'people.json', on_bad='skip')
