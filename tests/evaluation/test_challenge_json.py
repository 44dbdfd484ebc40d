import base64
import io
import json

import numpy as np
import pytest
from evaluation_cases import FlatBody, block_data, block_picture, size_of
from PIL import Image

from ktn_mm.evaluation import GroundTruth, evaluate, measure, read_results, write_results
from ktn_mm.evaluation.challenge_json import read_picture, to_record


def test_record_has_the_format_of_the_challenge():
    picture = np.random.default_rng(0).integers(0, 256, (3, 9, 7)).astype(np.uint8)
    record = json.loads(json.dumps(to_record(picture, np.float32([1.5, 2, 7.9, 9.9]), .25, 42)))
    assert {k: v for k, v in record.items() if k != 'uv_data'} == dict(
        image_id=42, category_id=1, bbox=pytest.approx([1.5, 2, 7.9, 9.9]), score=.25,
        uv_shape=[3, 9, 7])
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(record['uv_data']))))
    for channel in range(3):
        np.testing.assert_array_equal(pixels[..., channel], picture[channel])
    np.testing.assert_array_equal(read_picture(record), picture)


def test_results_from_a_file_score_the_same(tmp_path):
    data = block_data(count=4)
    truth = GroundTruth(data)
    pictures = [block_picture(size_of(a['bbox'])) for a in data['annotations']]
    pictures[0][1] //= 2
    direct, records = [], []
    for annotation, picture in zip(data['annotations'], pictures, strict=True):
        image_id = annotation['image_id']
        direct.append(measure(picture, annotation['bbox'], .5, truth, image_id))
        records.append(to_record(picture, annotation['bbox'], .5, image_id))
    write_results(records, tmp_path / 'new' / 'results.json')
    read = read_results(tmp_path / 'new' / 'results.json', truth)
    assert evaluate(truth, read, FlatBody()) == evaluate(truth, direct, FlatBody())


@pytest.mark.parametrize('change, word', [
    (dict(image_id=7), 'image_id 7'), (dict(uv_data='no base64!'), 'no PNG'),
    (dict(uv_shape=[3, 5, 5]), 'uv_shape'), (dict(bbox=[0, 0, 5, 5]), 'does not fit bbox')])
def test_malformed_record_is_named(tmp_path, change, word):
    data = block_data(count=1)
    box = data['annotations'][0]['bbox']
    record = to_record(block_picture(size_of(box)), box, .5, 100)
    path = tmp_path / 'results.json'
    write_results([record | change], path)
    with pytest.raises(ValueError, match=word):
        read_results(path, GroundTruth(data))
    write_results([{k: v for k, v in record.items() if k != 'score'}], path)
    with pytest.raises(ValueError, match='record 0 has no score'):
        read_results(path, GroundTruth(data))


def test_files_that_are_none(tmp_path):
    truth = GroundTruth(block_data(count=1))
    with pytest.raises(FileNotFoundError, match='nowhere'):
        read_results(tmp_path / 'nowhere.json', truth)
    (tmp_path / 'broken.json').write_text('[{')
    with pytest.raises(ValueError, match='no JSON'):
        read_results(tmp_path / 'broken.json', truth)


def test_picture_of_another_size_is_refused():
    truth = GroundTruth(block_data(count=1))
    with pytest.raises(ValueError, match='must be'):
        measure(np.zeros((3, 4, 4), np.uint8), [0, 0, 5, 4], 1., truth, 100)
