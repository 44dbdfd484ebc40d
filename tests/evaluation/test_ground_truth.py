import json

import numpy as np
import pytest
from evaluation_cases import block_data

from ktn_mm.evaluation.ground_truth import GroundTruth, read_person
from ktn_mm.evaluation.ignore_regions import keeps_box, keeps_mask, region_mask
from ktn_mm.evaluation.masks import paste


def test_load_keeps_images_without_persons(tmp_path):
    data = block_data(count=3)
    data['images'].insert(0, dict(id=999, height=5, width=6))
    path = tmp_path / 'people.json'
    path.write_text(json.dumps(data))
    truth = GroundTruth.load(path)
    assert list(truth.images) == list(truth.persons) == [100, 102, 999]
    assert [len(p) for p in truth.persons.values()] == [2, 1, 0]
    assert truth.images[999][1:3] == (5, 6)
    person = truth.persons[100][0]
    assert person.id == 1 and person.annotated and not person.crowd
    np.testing.assert_array_equal(person.points[:, 1], data['annotations'][0]['dp_y'])
    np.testing.assert_array_equal(person.surfaces, data['annotations'][0]['dp_I'])
    np.testing.assert_array_equal(person.uv[:, 0], data['annotations'][0]['dp_U'])


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.json'):
        GroundTruth.load(tmp_path / 'nowhere.json')
    (tmp_path / 'broken.json').write_text('{')
    with pytest.raises(ValueError, match='broken.json'):
        GroundTruth.load(tmp_path / 'broken.json')
    with pytest.raises(ValueError, match="'annotations'"):
        GroundTruth(dict(images=[]))


def test_only_persons_are_read():
    data = block_data(count=3)
    data['categories'] = [dict(id=3, name='dog'), dict(id=1, name='person')]
    data['annotations'][0]['category_id'] = 3
    truth = GroundTruth(data)
    assert [p.id for people in truth.persons.values() for p in people] == [2, 3]


def test_no_dense_annotation_is_an_error():
    data = block_data(count=2)
    for annotation in data['annotations']:
        del annotation['dp_x']
    with pytest.raises(ValueError, match='none of 2 persons has dp_x'):
        GroundTruth(data)


def test_person_without_points_is_ignored_but_an_empty_list_is_not():
    annotation = block_data(count=1)['annotations'][0]
    empty = annotation | {f'dp_{k}': [] for k in 'xyIUV'}
    assert read_person(empty).annotated and len(read_person(empty).points) == 0
    del annotation['dp_x']
    assert not read_person(annotation).annotated and len(read_person(annotation).points) == 0


def test_points_of_no_surface_are_left_out_and_one_point_may_be_a_number():
    annotation = block_data(count=1)['annotations'][0]
    annotation |= dict(dp_x=[1, 2, 3, 4], dp_y=[1, 2, 3, 4], dp_I=[0., 24., 25., 1.5],
                       dp_U=[0, 1, 0, 0], dp_V=[0, 1, 0, 0])
    person = read_person(annotation)
    assert person.surfaces.tolist() == [24] and person.points.tolist() == [[2, 2]]
    person = read_person(annotation | dict(dp_x=7., dp_y=8., dp_I=3, dp_U=.5, dp_V=.25))
    assert person.points.tolist() == [[7, 8]] and person.uv.tolist() == [[.5, .25]]


@pytest.mark.parametrize('change, word', [
    (dict(dp_y=[1.]), 'dp_y'), (dict(dp_U=['a'] * 60), 'dp_U'), (dict(bbox=[1, 2, 3]), 'bbox'),
    (dict(bbox=[1, 2, -3, 4]), 'bbox'), (dict(dp_V=[float('nan')] * 60), 'dp_V'),
    (dict(area=None), 'area'), (dict(image_id=5), 'image_id 5')])
def test_malformed_annotation_is_named(change, word):
    data = block_data(count=2)
    data['annotations'][1] |= change
    with pytest.raises(ValueError, match='annotation 2.*' + word):
        GroundTruth(data, 'people.json')


@pytest.mark.parametrize('key', ['id', 'image_id', 'bbox', 'area', 'dp_U'])
def test_missing_field_is_named(key):
    data = block_data(count=2)
    del data['annotations'][1][key]
    with pytest.raises(ValueError, match=f'people.json.*no {key}'):
        GroundTruth(data, 'people.json')


def test_duplicate_ids_stand_for_the_last_one():
    data = block_data(count=4)
    data['annotations'][0]['id'] = 4
    truth = GroundTruth(data)
    assert truth.duplicate_ids == (4,)
    last = data['annotations'][3]
    # the slot of image 100 comes first and goes to the image of the last one
    assert [[p.id for p in people] for people in truth.persons.values()] == [[2], [4, 3, 4]]
    assert truth.persons[102][0].box.tolist() == truth.persons[102][2].box.tolist() == last['bbox']
    truth = GroundTruth(data, compat=None)
    assert [[p.id for p in people] for people in truth.persons.values()] == [[4, 2], [3, 4]]
    assert truth.persons[100][0].box.tolist() == data['annotations'][0]['bbox']


def test_ignore_regions():
    data = block_data(count=2)
    data['images'][0].update(ignore_regions_x=[[0, 100, 100, 0], [300, 400, 300]],
                             ignore_regions_y=[[0, 0, 50, 50], [100, 100, 200]])
    image = GroundTruth(data).images[100]
    region = region_mask(image)
    assert region.shape == (300, 420) and region[25, 50] == 1 == region[110, 310]
    assert region[25, 150] == 0 == region[60, 50]
    assert not keeps_box(region, np.array([0., 0, 100, 70]), drops_empty=True)
    assert keeps_box(region, np.array([0., 0, 100, 75]), drops_empty=True)
    assert keeps_box(region, np.array([0., 60, 10, 10]), drops_empty=True)
    for drops in (True, False):
        assert keeps_box(region, np.array([0., 60, .5, 10]), drops_empty=drops) != drops
        mask = paste(np.ones((1, 1)), [0, 60, .5, 9], 300, 420, truncates=True)
        assert keeps_mask(region, mask, np.array([0., 60, .5, 9]), drops_empty=drops) != drops
    for height, kept in ((55, False), (60, True)):
        box = np.array([0., 0, 100, height])
        mask = paste(np.ones((height, 100)), box, 300, 420, truncates=True)
        assert keeps_mask(region, mask, box, drops_empty=True) == kept
