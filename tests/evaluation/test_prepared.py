import json

import numpy as np
import pytest
from evaluation_cases import TinyBody, block_data, random_data

from ktn_mm.evaluation import GroundTruth, prepared
from ktn_mm.evaluation.masks import person_mask
from ktn_mm.evaluation.prepared import prepare


class NamedBody(TinyBody):
    fingerprint = 'tiny'


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('KTN_MM_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def load(tmp_path, data, compat='detectron2'):
    path = tmp_path / 'people.json'
    path.write_text(json.dumps(data))
    return GroundTruth.load(path, compat=compat)


def assert_same(one, other):
    assert list(one.vertices) == list(other.vertices)
    for image_id, vertices in one.vertices.items():
        np.testing.assert_array_equal(vertices, other.vertices[image_id])
        assert one.masks[image_id] == other.masks[image_id]


@pytest.mark.parametrize('compat', ['detectron2', None])
def test_second_time_is_read_and_equal(tmp_path, cache, monkeypatch, compat):
    for seed in range(8):
        truth = load(tmp_path, random_data(seed)[0], compat)
        first = prepare(truth, NamedBody())
        for image_id, persons in truth.persons.items():
            expected = [person_mask(p, truth.images[image_id], truncates=compat is not None)
                        for p in persons]
            assert [m['counts'] for m in first.masks[image_id]] == [m['counts'] for m in expected]
            np.testing.assert_array_equal(
                first.vertices[image_id],
                TinyBody().nearest_vertex(truth.points(image_id).surfaces,
                                          truth.points(image_id).uv))
        with monkeypatch.context() as patch:
            patch.setattr(prepared, '_prepare', None)
            assert_same(prepare(truth, NamedBody()), first)
    assert len(list(cache.iterdir())) == 8


def test_another_file_body_or_protocol_is_another_entry(tmp_path, cache):
    data = block_data(count=2)
    prepare(load(tmp_path, data), NamedBody())
    prepare(load(tmp_path, data, compat=None), NamedBody())
    data['annotations'][0]['dp_U'][0] /= 2
    prepare(load(tmp_path, data), NamedBody())
    body = NamedBody()
    body.fingerprint = 'other'
    prepare(load(tmp_path, data), body)
    assert len(list(cache.iterdir())) == 4


def test_nothing_is_kept_without_a_name(tmp_path, cache):
    prepare(GroundTruth(block_data(count=2)), NamedBody())
    prepare(load(tmp_path, block_data(count=2)), TinyBody())
    assert not cache.exists()


def test_a_broken_entry_is_computed_again(tmp_path, cache):
    truth = load(tmp_path, block_data(count=2))
    first = prepare(truth, NamedBody())
    entry, = cache.iterdir()
    content = entry.read_bytes()
    entry.write_bytes(content[:len(content) // 2])
    assert_same(prepare(truth, NamedBody()), first)
    assert entry.read_bytes() == content
