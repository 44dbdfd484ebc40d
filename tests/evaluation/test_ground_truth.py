import json

import numpy as np
import pytest
from evaluation_cases import FlatBody, block_data, block_picture, rle

from ktn_mm.evaluation import evaluate, measure
from ktn_mm.evaluation.ground_truth import GroundTruth, read_person
from ktn_mm.evaluation.masks import dp_union
from ktn_mm.evaluation.oddities import annotation_oddities, detection_oddities

MASK = rle(np.eye(256))


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
    bare = annotation | {f'dp_{k}': None for k in 'xyIUV'}
    assert not read_person(bare).annotated and len(read_person(bare).points) == 0
    bare = {k: v for k, v in annotation.items() if k[:3] != 'dp_' or k == 'dp_masks'}
    assert not read_person(bare).annotated and read_person(bare).dp_masks is not None


def test_points_of_no_surface_are_left_out_and_one_point_may_be_a_number():
    annotation = block_data(count=1)['annotations'][0]
    annotation |= dict(dp_x=[1, 2, 3, 4], dp_y=[1, 2, 3, 4], dp_I=[0., 24., 25., 1.5],
                       dp_U=[0, 1, 0, 0], dp_V=[0, 1, 0, 0])
    person = read_person(annotation)
    assert person.surfaces.tolist() == [24] and person.points.tolist() == [[2, 2]]
    assert person.left_out == 3
    person = read_person(annotation | dict(dp_x=7., dp_y=8., dp_I=3, dp_U=.5, dp_V=.25))
    assert person.points.tolist() == [[7, 8]] and person.uv.tolist() == [[.5, .25]]


DENSE_FAULTS = [
    (dict(dp_y=[1.]), "'dp_y': 1"), (dict(dp_U=['a'] * 60), r"dp_U = \['a'"),
    (dict(dp_V=[float('nan')] * 60), r'dp_V\[0\] = nan'), (dict(dp_x=None), 'dp_x'),
    (dict(dp_x=[[1.] * 60]), r'dp_x = \[\[1'), (dict(dp_I='abc'), "dp_I = 'abc'"),
    (dict(dp_masks='abc'), 'dp_masks is a str'), (dict(dp_masks=[MASK]), '1 entries'),
    (dict(dp_masks=[[]] * 2 + [rle(np.eye(100))] + [[]] * 11), r'dp_masks\[2\].size = \[100'),
    (dict(dp_masks=MASK | dict(counts='zz')), "counts = 'zz' .*no RLE text"),
    (dict(dp_masks=[[]] * 13 + [MASK | dict(counts=MASK['counts'][:-9])]), r'dp_masks\[13\]'),
    (dict(dp_masks=MASK | dict(counts=[1, 2])), 'add up to 3'),
    (dict(dp_masks=MASK | dict(counts=[-1, 65537])), 'add up'),
    (dict(dp_masks=MASK | dict(counts=[.5, 65535.5])), 'whole numbers'),
    (dict(dp_masks=MASK | dict(counts=['a', 'b'])), 'whole numbers'),
    (dict(dp_masks=MASK | dict(size=None)), 'size = None'),
    (dict(dp_U=[.5, 1e308] + [.5] * 58), r'dp_U\[1\] = 1e\+308'),
    (dict(dp_x=[-1e300] * 60), r'dp_x\[0\] = -1e\+300')]
PERSON_FAULTS = [
    (dict(bbox=[1, 2, 3]), r'bbox = \[1, 2, 3\]'), (dict(bbox=[1, 2, -3, 4]), 'bbox'),
    (dict(bbox=[0, 0, 1e5, 1e5]), r'bbox = \[0, 0, 1.*more than 67108864 pixels'),
    (dict(bbox=[0, 0, 1e9, 1e-3]), 'bbox = .*more than'),
    (dict(area=[]), r'area = \[\]'), (dict(bbox=None), 'bbox'), (dict(area=None), 'area'),
    (dict(image_id=5), 'image_id = 5')]
SEGMENTATION_FAULTS = [(dict(dp_masks=None, segmentation=value), word) for value, word in (
    (rle(np.ones((9, 9))), r'segmentation.size = \[9, 9\]'),
    (dict(size=[300, 420], counts='zz'), 'zz'), (dict(size=[300, 420], counts=5), 'counts = 5'),
    (dict(size=[300, 420]), 'counts = None'), (dict(counts='0'), 'size = None'),
    ('junk', "segmentation = 'junk'"), ([5], r'segmentation\[0\] = 5'),
    ([[1., 2., 3., float('nan')]], r'segmentation\[0\]'),
    ([[0, 0, 9, 9]], r'segmentation\[0\] = \[0, 0, 9, 9\]'),
    ([[1, 2, 3]], r'segmentation\[0\] = \[1, 2, 3\]'),
    ([[1, 2, 3, 4], [1, 2, 3, 4, 5, 6]], r'segmentation\[0\] = \[1, 2, 3, 4\]'),
    ([[1, 2, 3, 4, 5, 6], [1, 2, 3, 4]], r'segmentation\[1\] = \[1, 2, 3, 4\]'),
    ([[1, 2, 'a', 4, 5, 6]], r'segmentation\[0\]'), ([[1, 2, 3, 4, 5, 1e12]], 'within 1e'))]


@pytest.mark.parametrize('change, word', DENSE_FAULTS + PERSON_FAULTS + SEGMENTATION_FAULTS)
def test_malformed_annotation_is_named(change, word):
    data = block_data(count=2)
    data['annotations'][1] |= change
    with pytest.raises(ValueError, match='^people.json: annotation 2: .*' + word):
        GroundTruth(data, 'people.json')


@pytest.mark.parametrize('key', ['bbox', 'area', 'dp_U'])
def test_missing_field_is_named(key):
    data = block_data(count=2)
    del data['annotations'][1][key]
    with pytest.raises(ValueError, match=f'^people.json: annotation 2: {key}.* is missing'):
        GroundTruth(data, 'people.json')


@pytest.mark.parametrize('key', ['id', 'image_id'])
def test_missing_id_is_named(key):
    data = block_data(count=2)
    del data['annotations'][1][key]
    with pytest.raises(ValueError, match=f'people.json.*no {key}'):
        GroundTruth(data, 'people.json', on_bad='skip')


def found(truth, data):
    """Return detections that are right about everybody."""
    return [measure(block_picture((int(a['bbox'][3]), int(a['bbox'][2]))), np.array(a['bbox']), 1.,
                    truth, a['image_id']) for a in data['annotations']]


@pytest.mark.parametrize('compat', ['detectron2', None])
@pytest.mark.parametrize('change, word', DENSE_FAULTS + SEGMENTATION_FAULTS)
def test_skipped_is_scored_as_a_person_without_dense_annotation(change, word, compat):
    """One bad person among four: the figures of the file in which that person has no dp_*."""
    data = block_data(count=4)
    bad = data['annotations'][1] | change
    plain = {k: v for k, v in bad.items() if not k.startswith('dp_')}
    if 'segmentation' in change:
        del plain['segmentation']
    figures = []
    for annotation in (bad, plain):
        truth = GroundTruth(data | dict(annotations=[
            data['annotations'][0], annotation, *data['annotations'][2:]]),
            'people.json', compat=compat, on_bad='skip')
        figures.append(evaluate(truth, found(truth, data), FlatBody()))
        assert [p.annotated for p in truth.persons[100]] == [True, False]
        fault = annotation is bad
        assert len(truth.skipped) == fault and len(annotation_oddities(truth)) == fault
    assert figures[0] == figures[1] and figures[0]['GPS/AP50'] > .99


@pytest.mark.parametrize('change, word', PERSON_FAULTS)
def test_skipped_person_is_not_there(change, word):
    data = block_data(count=4)
    data['annotations'][1] |= change
    truth = GroundTruth(data, on_bad='skip')
    assert [p.id for people in truth.persons.values() for p in people] == [1, 3, 4]
    assert [(f.annotation_id, f.loss) for f in truth.skipped] == [(2, 'person')]


def test_what_was_skipped_is_said_by_reason():
    data = block_data(count=8)
    for n in range(5):
        data['annotations'][n]['dp_masks'] = MASK | dict(counts='zz')
    data['annotations'][5]['dp_U'] = None
    sentences = annotation_oddities(GroundTruth(data, 'people.json', on_bad='skip'))
    assert len(sentences) == 2
    assert sentences[0].startswith('people.json: 5 x dense annotation left out, RLE cannot be ')
    assert "annotation 3: dp_masks.counts = 'zz'" in sentences[0]
    assert 'annotation 4' not in sentences[0] and sentences[0].endswith('; ...)')
    assert 'annotation 6: dp_U' in sentences[1]
    with pytest.raises(ValueError, match="^people.json: no dense .*annotation 1: dp_masks.*zz"):
        GroundTruth(data | dict(annotations=data['annotations'][:5]), 'people.json', on_bad='skip')
    with pytest.raises(ValueError, match="on_bad must be one of .*'ignore'"):
        GroundTruth(data, on_bad='ignore')


def test_points_out_of_range_are_said():
    data = block_data(count=2)
    data['annotations'][0]['dp_I'][:3] = [0., 25., 2.5]
    data['annotations'][0]['dp_U'][7] = 1.4
    data['annotations'][1]['dp_V'][:2] = [-.1, 1.]
    truth = GroundTruth(data)
    assert truth.persons[100][0].uv[:, 0].max() == 1.4
    strays, beyond = annotation_oddities(truth)
    assert strays.startswith('3 points have a dp_I') and beyond.startswith('2 points have U or V')


@pytest.mark.parametrize('segmentation', [
    None, [], {}, [[0, 0, 9, 0, 9, 9]],
    rle(np.ones((300, 420))), dict(size=[300, 420], counts=[126000])])
def test_kinds_of_segmentation(segmentation):
    data = block_data(count=2)
    data['annotations'][0] |= dict(dp_masks=None, segmentation=segmentation)
    evaluate(GroundTruth(data), found(GroundTruth(data), data), FlatBody())


def test_points_outside_their_box_are_said():
    data = block_data(count=2)
    data['annotations'][1]['dp_x'][:4] = [300., -5., 256.9, -.9]
    sentence, = annotation_oddities(GroundTruth(data))
    assert sentence.startswith('2 points have dp_x or dp_y outside [0, 256]')


@pytest.mark.parametrize('box', [[5., 5., 0., 10.], [5000., 5., 10., 10.]])
@pytest.mark.parametrize('compat', ['detectron2', None])
def test_persons_that_no_box_shows_are_said(box, compat):
    data = block_data(count=2)
    data['annotations'][1]['bbox'] = box
    sentence, = annotation_oddities(GroundTruth(data, compat=compat))
    assert sentence.startswith('1 persons have a box without area or outside their image (2)')


def test_annotation_of_another_category_is_named():
    data = block_data(count=2)
    data['categories'] = [dict(id=7, name='person')]
    with pytest.raises(ValueError, match='no annotation is of category 7, .* category_id is 1'):
        GroundTruth(data)


def test_two_images_of_an_id_are_said():
    data = block_data(count=4)
    data['images'].append(dict(data['images'][1], height=310))
    truth = GroundTruth(data)
    assert truth.duplicate_images == (102, ) and truth.images[102].height == 310
    sentence, = annotation_oddities(truth)
    assert sentence.startswith('1 image ids occur twice (102); the last')


def test_uncompressed_part_masks_are_read():
    data = block_data(count=1)
    counts = [300, 7, 65536 - 307]
    data['annotations'][0]['dp_masks'] = [[]] * 3 + [dict(size=[256, 256], counts=counts)] + [
        None] * 10
    union = dp_union(GroundTruth(data).persons[100][0].dp_masks)
    assert np.flatnonzero(union.T.ravel()).tolist() == list(range(300, 307))


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


@pytest.mark.parametrize('compat', ['detectron2', None])
def test_images_without_a_detection_are_said(compat):
    data = block_data(count=8)
    for crowd in data['annotations'][6:]:
        crowd['iscrowd'] = 1
    data['annotations'][4:6] = [{key: value for key, value in person.items()
                                 if not key.startswith('dp_')}
                                for person in data['annotations'][4:6]]
    truth = GroundTruth(data, compat=compat)
    everybody = found(truth, data)
    assert detection_oddities(truth, everybody) == []
    sentence, = detection_oddities(truth, [d for d in everybody if d.image_id == 102])
    what = '1 of 2' if compat is None else '2 of 3'  # a crowd with points
    assert sentence.startswith(f'{what} images with people to be found have no detection (100')
    assert detection_oddities(truth, [])[0].startswith('no dense pose to evaluate')
