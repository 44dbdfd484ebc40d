"""The dataset on files as they are, as they should not be, and as detectors write them."""
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from ktn_mm.datasets import DensePoseCocoDataset
from ktn_mm.testing import body_at, make_tiny_dataset


def edit_first(**change):
    return lambda content: content['annotations'][0].update(change)


@pytest.fixture
def warnings_of(monkeypatch):
    """Return the list that log messages of the dataset go to."""
    said = []
    for module in ('ktn_mm.datasets.report.print_log',
                   'ktn_mm.datasets.datasets.body.densepose_coco_dataset.print_log'):
        monkeypatch.setattr(module, lambda message, **kwargs: said.append((kwargs['level'],
                                                                           message)))
    return said


def test_sample_has_the_fields_of_the_contract(tiny, build):
    info = build(tiny)[0]
    ann = json.loads(Path(tiny.ann_file).read_text())['annotations'][0]
    x, y, w, h = ann['bbox']
    expected = np.column_stack([x + np.array(ann['dp_x']) * w / 256 - .5,
                                y + np.array(ann['dp_y']) * h / 256 - .5])
    np.testing.assert_allclose(info['dp_points'], expected, atol=1e-3)
    np.testing.assert_array_equal(info['dp_surfaces'], ann['dp_I'])
    np.testing.assert_allclose(info['dp_uv'], np.column_stack([ann['dp_U'], ann['dp_V']]),
                               atol=1e-6)
    np.testing.assert_array_equal(info['dp_box'], ann['bbox'])
    assert info['dp_points'].dtype == info['dp_uv'].dtype == np.float32
    assert info['dp_surfaces'].dtype == np.int64 and info['dp_box'].dtype == np.float64
    assert info['id'] == ann['id'] and info['img_id'] == ann['image_id']
    assert info['img_shape'] == (200, 240) and info['segmentation'] == ann['segmentation']
    assert info['keypoints'].shape == (1, 17, 2) and info['num_keypoints'] == 17
    assert 'raw_ann_info' not in info and info['dp_masks'] == ann['dp_masks']


def test_persons_without_dense_annotation_stay(tiny, build):
    dataset = build(tiny)
    assert [len(info['dp_points']) for info in dataset] == [60, 0, 60, 0]
    assert dataset[1]['dp_masks'] is None
    assert len(build(tiny, dense='only')) == 2


def test_metainfo(tiny, build):
    meta = build(tiny).metainfo
    assert meta['dataset_name'] == 'coco_densepose' and meta['num_keypoints'] == 17
    assert meta['flip_indices'] == [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    assert len(meta['surface_names']) == 24 and len(meta['part_names']) == 14
    assert meta['part_names'][2] == 'left hand' and len(meta['skeleton_links']) == 19
    assert meta['sigmas'][11] == np.float32(.107)
    # mmpose's inferencer recognises 2D body data by its module.
    assert 'datasets.body.' in DensePoseCocoDataset.__module__


def test_official_oddities(tmp_path, build, spoil):
    tiny = make_tiny_dataset(tmp_path, num_images=1, kinds=('dense', 'silhouette', 'crowd'))

    def odd(content):
        dense, silhouette, crowd = content['annotations']
        content['annotations'].append(dict(dense, bbox=[5., 5., 50., 60.]))
        silhouette.pop('keypoints')
        silhouette.pop('num_keypoints')
    spoil(tiny.ann_file, odd)
    dataset = build(tiny, on_bad='error')
    infos = list(dataset)
    # Two persons share an id: both are there, each with its own box. The crowd is not.
    assert [info['id'] for info in infos] == [1, 2, 1]
    assert infos[0]['dp_box'].tolist() != infos[2]['dp_box'].tolist() == [5, 5, 50, 60]
    assert [info['id'] for info in build(tiny, test_mode=True)] == [1, 2, 4]
    assert isinstance(infos[1]['dp_masks'], dict) and infos[1]['num_keypoints'] == 0


@pytest.mark.parametrize('options, kept, said', [
    (dict(), 3, '1 without keypoints and dense annotation'), (dict(test_mode=True), 4, None),
    (dict(dense='only'), 2, '2 without dense annotation')])
def test_nothing_to_learn_from(tiny, build, spoil, warnings_of, options, kept, said):
    def blank(content):
        content['annotations'][1].update(keypoints=[0] * 51, num_keypoints=0)
        content['categories'].append(dict(id=2, name='dog'))
        for change in (dict(iscrowd=1), dict(iscrowd=1), dict(category_id=2)):
            content['annotations'].append(dict(content['annotations'][0], id=9, **change))
    spoil(tiny.ann_file, blank)
    # nothing is wrong with them, so that this is no error either
    assert len(build(tiny, on_bad='error', **options)) == kept
    (level, message), = warnings_of
    assert level == logging.INFO and f'{tiny.ann_file}: {kept} people are used; ' in message
    counts = ['1 of other categories', *([said] if said else []), '2 crowds']
    assert set(message.split('left out are ')[1].split(', ')) == set(counts)


@pytest.mark.parametrize('change, loss, said', [
    (dict(dp_I=[30.] * 60), 'dense annotation', 'dp_I[0] = 30'),
    (dict(dp_U=[.5]), 'dense annotation', 'dp_U'),
    (dict(dp_masks=[[]]), 'dense annotation', 'dp_masks is a list with 1 entries'),
    (dict(bbox=[5, 5, 0, 10]), 'person', 'bbox = [5, 5, 0, 10]'),
    (dict(bbox=[500, 5, 10, 10]), 'person', 'outside the image'),
    (dict(keypoints=[1, 2]), 'person', 'keypoints = [1, 2]'),
    (dict(image_id=77), 'person', 'image_id = 77')])
def test_bad_persons_are_counted_or_named(tiny, build, spoil, warnings_of, change, loss, said):
    spoil(tiny.ann_file, edit_first(**change))
    dataset = build(tiny)
    assert len(dataset) == (4 if loss == 'dense annotation' else 3)
    if loss == 'dense annotation':
        assert dataset[0]['dp_masks'] is None and len(dataset[0]['dp_points']) == 0
    (level, message), = warnings_of
    assert level == logging.WARNING and '1 faults' in message and 'annotation 1:' in message
    assert said in message and loss in message and tiny.ann_file in message
    with pytest.raises(ValueError) as caught:
        build(tiny, on_bad='error')
    for text in (tiny.ann_file, 'annotation 1:', said):
        assert text in str(caught.value)


def test_in_testing_bad_keypoints_cost_nobody(tiny, build, spoil, warnings_of):
    spoil(tiny.ann_file, edit_first(keypoints=[1, 2]))
    dataset = build(tiny, test_mode=True)
    assert len(dataset) == 4 and dataset[0]['num_keypoints'] == 0
    assert len(dataset[0]['dp_points']) > 0
    (_, message), = warnings_of
    assert 'keypoints left out' in message and 'keypoints = [1, 2]' in message


def test_many_faults_make_one_line_a_reason(tmp_path, build, spoil, warnings_of):
    tiny = make_tiny_dataset(tmp_path, num_images=6, image_size=(60, 50))

    def break_all(content):
        for ann in content['annotations'][:10]:
            ann.update(bbox=[0, 0, 0, 0])
    spoil(tiny.ann_file, break_all)
    assert len(build(tiny)) == 2
    (_, message), = warnings_of
    assert '10 x person left out, box without area' in message
    assert 'annotation 3:' in message and 'annotation 4:' not in message


def test_files_that_are_missing_or_of_another_kind(tiny, build, spoil, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.json.*docs/data.md.*make_synth_dataset'):
        build(tiny._replace(ann_file=str(tmp_path / 'nowhere.json')))
    with pytest.raises(FileNotFoundError, match='no_images.*docs/data.md'):
        build(tiny._replace(img_dir=str(tmp_path / 'no_images')))
    for name, text in dict(broken='{"images": [', listed='[1, 2]', empty='{}').items():
        path = tmp_path / f'{name}.json'
        path.write_text(text)
        with pytest.raises(ValueError, match=f'{name}.json'):
            build(tiny._replace(ann_file=str(path)))
    spoil(tiny.ann_file, lambda content: content['images'][0].pop('width') and None)
    with pytest.raises(ValueError, match='image 1: width must be a whole number of pixels, got N'):
        build(tiny)
    spoil(tiny.ann_file, lambda content: content['images'][0].update(width='wide'))
    with pytest.raises(ValueError, match="image 1: width must be a whole number .* got 'wide'"):
        build(tiny)


def test_categories_may_be_missing_and_ids_may_be_text(build, spoil, tiny):
    people = len(build(tiny))

    def rename(content):
        del content['categories']
        for entry, key in [*((image, 'id') for image in content['images']),
                           *((ann, 'image_id') for ann in content['annotations'])]:
            entry[key] = f'picture {entry[key]}'
    spoil(tiny.ann_file, rename)
    assert len(build(tiny)) == people
    with pytest.raises(ValueError, match="image 'picture 1': sample_interval=2 needs numbers"):
        build(tiny, sample_interval=2)


def test_a_file_without_any_dense_annotation_is_no_densepose(tiny, build, spoil):
    def strip(content):
        for ann in content['annotations']:
            for key in [k for k in ann if k.startswith('dp_')]:
                del ann[key]
    spoil(tiny.ann_file, strip)
    with pytest.raises(ValueError, match='no DensePose annotation: none of its 4 persons'):
        build(tiny)
    assert len(build(tiny, dense='optional')) == 4
    assert len(build(tiny, test_mode=True, bbox_file=tiny.bbox_file)) == 6
    with pytest.raises(ValueError, match="'required', 'only', 'optional'"):
        build(tiny, dense='maybe')
    with pytest.raises(ValueError, match='topdown'):
        build(tiny, data_mode='bottomup')


def test_no_person_left(tiny, build, spoil):
    def all_crowd(content):
        for ann in content['annotations']:
            ann['iscrowd'] = 1
    spoil(tiny.ann_file, all_crowd)
    with pytest.raises(ValueError, match='no person is left; left out are 4 crowds'):
        build(tiny)


def test_detected_boxes(tiny, build, warnings_of):
    detections = json.loads(Path(tiny.bbox_file).read_text())
    extra = [dict(detections[0], image_id=999), dict(detections[0], category_id=3),
             dict(detections[0], bbox=[9999, 0, 5, 5])]
    Path(tiny.bbox_file).write_text(json.dumps(extra + detections))
    dataset = build(tiny, test_mode=True, bbox_file=tiny.bbox_file)
    assert len(dataset) == len(detections) and dataset[5]['id'] == 5
    x, y, w, h = detections[0]['bbox']
    np.testing.assert_allclose(dataset[0]['bbox'], [[x, y, x + w, y + h]], rtol=1e-6)
    np.testing.assert_allclose(dataset[0]['bbox_score'], [detections[0]['score']], rtol=1e-6)
    assert len(dataset[0]['dp_points']) == 0 and dataset[0]['keypoints'].shape == (1, 17, 2)
    messages = '\n'.join(message for _, message in warnings_of)
    assert len(warnings_of) == 2 and 'detection 2: bbox = [9999' in messages
    assert f'{len(detections)} people are used; left out are 1 in images that' in messages
    assert '1 of other categories than [1], the person (such as category_id = 3)' in messages
    high = build(tiny, test_mode=True, bbox_file=tiny.bbox_file,
                 filter_cfg=dict(bbox_score_thr=.5))
    assert len(high) == 4


def test_boxes_are_clipped_to_the_image_from_either_file(tiny, build, spoil):
    """As inference clips them, so that a box has one crop, whoever gives it."""
    beyond, inside = [-7.5, 20.25, 300.0, 500.0], [10.0, 20.0, 30.0, 180.0]
    for box, corners in ((beyond, [0, 20.25, 240, 200]), (inside, [10, 20, 40, 200])):
        spoil(tiny.ann_file, edit_first(bbox=box))
        Path(tiny.bbox_file).write_text(json.dumps(
            [dict(image_id=1, category_id=1, bbox=box, score=.5)]))
        annotated, detected = build(tiny), build(tiny, test_mode=True, bbox_file=tiny.bbox_file)
        np.testing.assert_array_equal(annotated[0]['bbox'], [corners])
        np.testing.assert_array_equal(detected[0]['bbox'], [corners])
        assert annotated[0]['dp_box'].tolist() == box, 'points lie in the box as annotated'


def test_detected_people_are_of_the_category_of_annotated_people(tiny, build, spoil):
    def renumber(content):
        content['categories'] = [dict(id=1, name='dog'), dict(id=7, name='person')]
        for ann in content['annotations']:
            ann['category_id'] = 7
    spoil(tiny.ann_file, renumber)
    detections = json.loads(Path(tiny.bbox_file).read_text())
    mixed = [dict(d, category_id=7 if n < 2 else 1) for n, d in enumerate(detections)]
    Path(tiny.bbox_file).write_text(json.dumps(mixed))
    dataset = build(tiny, test_mode=True, bbox_file=tiny.bbox_file)
    assert [int(info['category_id']) for info in dataset] == [7, 7]


@pytest.mark.parametrize('change, said', [
    (dict(image_id='1'), "6 in images that .* does not list .such as image_id = '1', an id there "
                         'is 1.'),
    (dict(category_id=3), r'6 of other categories than \[1\], the person .such as category_id'),
    (dict(bbox=[999, 0, 5, 5]), '6 x detection left out, box outside')])
def test_detections_of_which_none_can_be_used_say_why(tiny, build, change, said):
    detections = json.loads(Path(tiny.bbox_file).read_text())
    Path(tiny.bbox_file).write_text(json.dumps([dict(d, **change) for d in detections]))
    with pytest.raises(ValueError, match=f'(?s)no person is left; .*{said}') as caught:
        build(tiny, test_mode=True, bbox_file=tiny.bbox_file)
    assert '0 faults' not in str(caught.value) and tiny.bbox_file in str(caught.value)


@pytest.mark.parametrize('content, said', [
    ('[]', 'no detections'), ('{"a": 1}', 'not a list'), ('[7]', 'detection 0 is a int'),
    ('nonsense', 'not a json'),
    ('[{"image_id": 1, "category_id": 1, "score": 0.5}]', 'detection 0: bbox is missing'),
    ('[{"image_id": [1], "category_id": 1, "score": 0.5, "bbox": [1, 2, 3, 4]}]',
     r'detection 0: image_id = \[1\] is neither'),
    ('[{"image_id": 1, "category_id": null, "score": 0.5, "bbox": [1, 2, 3, 4]}]',
     'detection 0: category_id = None is neither'),
    ('[{"image_id": 1, "category_id": 1, "score": 0.5, "bbox": [1, 2, 3]}]', 'bbox = .1, 2, 3.'),
    ('[{"image_id": 1, "category_id": 1, "score": "x", "bbox": [1, 2, 3, 4]}]', "score = 'x'")])
def test_malformed_detections(tiny, build, content, said):
    Path(tiny.bbox_file).write_text(content)
    with pytest.raises(ValueError, match=said) as caught:
        build(tiny, test_mode=True, bbox_file=tiny.bbox_file)
    assert tiny.bbox_file in str(caught.value)
    with pytest.raises(FileNotFoundError, match='gone.json'):
        build(tiny, test_mode=True, bbox_file=tiny.bbox_file + 'gone.json')


def test_points_lie_on_the_painted_surface(tiny, build, run):
    sample = run(build(tiny), 0, [dict(type='LoadPersonImage')])
    pixels = np.rint(sample['dp_points']).astype(int)
    shown = sample['img'][pixels[:, 1], pixels[:, 0], 0] / (255 / 24)
    # A point may be nearest to a pixel of the next rectangle.
    assert (np.abs(shown - sample['dp_surfaces']) < .5).mean() > .95
    unit = (sample['dp_points'] + .5 - sample['dp_box'][:2]) / sample['dp_box'][2:]
    surface, uv = body_at(unit)
    assert (surface == sample['dp_surfaces']).mean() > .98
    assert np.abs(uv - sample['dp_uv'])[surface == sample['dp_surfaces']].max() < 1e-3


def test_a_share_of_the_points_is_stable_and_nested(tmp_path, build):
    tiny = make_tiny_dataset(tmp_path, num_images=4, kinds=('dense', 'dense'))
    whole, quarter, tenth = (build(tiny, point_share=share) for share in (1., .25, .1))
    assert [len(info['dp_surfaces']) for info in quarter] == [15] * 8
    assert [len(info['dp_surfaces']) for info in tenth] == [6] * 8

    def rows(info):
        return np.column_stack([info['dp_points'], info['dp_surfaces'], info['dp_uv']]).tolist()

    places = set()
    for full, many, few, again in zip(whole, quarter, tenth, build(tiny, point_share=.25)):
        kept = [rows(full).index(row) for row in rows(many)]
        assert kept == sorted(kept)
        places.add(tuple(kept))
        assert all(row in rows(many) for row in rows(few))
        assert rows(many) == rows(again) and many['dp_masks'] == full['dp_masks']
    assert len(places) == 8  # every person has a choice of its own


def test_a_share_leaves_everybody_a_point(tmp_path, build):
    tiny = make_tiny_dataset(tmp_path, num_points=3, kinds=('dense', 'plain'))
    assert [len(i['dp_surfaces']) for i in build(tiny, point_share=.01)] == [1, 0, 1, 0]
    for share in (0, -1, 1.5):
        with pytest.raises(ValueError, match=r'point_share must be in \(0, 1\]'):
            build(tiny, point_share=share)
