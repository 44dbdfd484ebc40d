import base64
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from evaluation_cases import block_data, block_picture, size_of
from PIL import Image

from ktn_mm.evaluation import GroundTruth, measure, to_record, write_results
from ktn_mm.evaluation.challenge_json import BadRecordError, read_picture, read_record

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def truth():
    return GroundTruth(block_data(count=1), 'people.json')


@pytest.fixture
def record(truth):
    box = truth.persons[100][0].box
    return to_record(block_picture(size_of(box)), box, .5, 100)


def png_text(pixels, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, 'PNG', **options)
    return base64.b64encode(stream.getvalue()).decode()


def test_record_has_the_format_of_the_challenge():
    picture = np.random.default_rng(0).integers(0, 25, (3, 9, 7)).astype(np.uint8)
    record = json.loads(json.dumps(to_record(picture, np.float32([1.5, 2, 7.9, 9.9]), .25, 42)))
    assert {k: v for k, v in record.items() if k != 'uv_data'} == dict(
        image_id=42, category_id=1, bbox=pytest.approx([1.5, 2, 7.9, 9.9]), score=.25,
        uv_shape=[3, 9, 7])
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(record['uv_data']))))
    for channel in range(3):
        np.testing.assert_array_equal(pixels[..., channel], picture[channel])
    np.testing.assert_array_equal(read_picture(record), picture)


def test_the_snippet_of_the_docs_writes_the_same(record):
    page = (ROOT / 'docs/evaluation.md').read_text(encoding='utf-8')
    code = next(block for block in page.split('```python\n') if block.startswith('stream'))
    names = dict(io=io, base64=base64, Image=Image, np=np, results=[], image_id=100, score=.5,
                 iuv=read_picture(record), **dict(zip('xywh', record['bbox'])))
    exec(code.split('```')[0], names)
    assert json.loads(json.dumps(names['results'])) == [record]


def test_a_record_is_measured_as_its_picture(truth, record):
    box = truth.persons[100][0].box
    expected = measure(block_picture(size_of(box)), box, .5, truth, 100)
    found = read_record(record, truth, (7, ))
    assert (found.image_id, found.key, found.score) == (100, (7, ), .5)
    np.testing.assert_array_equal(found.samples, expected.samples)
    assert found.samples.any() and found.mask == expected.mask


def test_pngs_that_other_writers_make(record):
    """The challenge's encoder breaks base64 into lines; others add alpha or a palette."""
    picture = read_picture(record)
    lines = base64.encodebytes(base64.b64decode(record['uv_data'])).decode()
    assert '\n' in lines[:-1]
    np.testing.assert_array_equal(read_picture(record | dict(uv_data=lines)), picture)
    pixels = np.ascontiguousarray(picture.transpose(1, 2, 0))
    alpha = np.concatenate([pixels, np.zeros_like(pixels[..., :1])], -1)
    np.testing.assert_array_equal(read_picture(record | dict(uv_data=png_text(alpha))), picture)
    few = np.uint8([[[1, 20, 30], [0, 0, 0]], [[24, 255, 9], [1, 20, 30]]])
    stream = io.BytesIO()
    Image.fromarray(few).quantize(4).save(stream, 'PNG')
    palette = dict(uv_shape=[3, 2, 2], uv_data=base64.b64encode(stream.getvalue()).decode())
    np.testing.assert_array_equal(read_picture(palette), few.transpose(2, 0, 1))


@pytest.mark.parametrize('change, reason, words', [
    (dict(image_id=7), 'unknown image', 'image_id 7 is not in people.json'),
    (dict(image_id=[100]), 'unknown image', r'\[100\]'),
    (dict(image_id=None), 'unknown image', 'None'),
    (dict(image_id=True), 'unknown image', 'True'),
    (dict(category_id=0), 'other category', 'category_id is 0, persons have 1'),
    (dict(score=float('nan')), 'bad score', 'nan'),
    (dict(score=float('inf')), 'bad score', 'inf'),
    (dict(score='0.5'), 'bad score', "'0.5'"),
    (dict(score=True), 'bad score', 'True'),
    (dict(score=10 ** 400), 'bad score', '1000'),
    (dict(bbox=[0, 0, 5]), 'bad bbox', 'four finite numbers'),
    (dict(bbox=dict(x=0)), 'bad bbox', 'four finite numbers'),
    (dict(bbox=[0, 0, 5, None]), 'bad bbox', 'None'),
    (dict(bbox=[0, float('nan'), 5, 5]), 'bad bbox', 'nan'),
    (dict(bbox=[1e300, 0, 5, 5]), 'bad bbox', 'four finite numbers'),
    (dict(bbox=[0, 0, 5, -.5]), 'bad bbox', 'negative size'),
    (dict(bbox=[0, 0, 1e6, 1e6], uv_shape=[3, 10 ** 6, 10 ** 6]), 'bad bbox', 'pixels'),
    (dict(bbox=[0, 0, 5, 5]), 'wrong uv_shape', r'needs uv_shape \[3, 5, 5\]'),
    (dict(uv_shape=[3, 5, 5]), 'wrong uv_shape', r'got \[3, 5, 5\]'),
    (dict(uv_shape=None), 'wrong uv_shape', 'None'),
    (dict(uv_data=None), 'uv_data no PNG', 'must be text'),
    (dict(uv_data='no base64!'), 'uv_data no PNG', 'not base64'),
    (dict(uv_data='é'), 'uv_data no PNG', 'not base64'),
    (dict(uv_data=''), 'uv_data no PNG', "starts with b''"),
    (dict(uv_data=base64.b64encode(b'GIF89a' * 9).decode()), 'uv_data no PNG', 'GIF89a'),
    (dict(uv_data=png_text(np.zeros((4, 4, 3), np.uint8))), 'picture of another size',
     r'the PNG is \[3, 4, 4\]')])
def test_bad_values_are_named(truth, record, change, reason, words):
    with pytest.raises(BadRecordError, match=words) as caught:
        read_record(record | change, truth)
    assert caught.value.reason == reason and '\n' not in caught.value.detail


@pytest.mark.parametrize('entry', [None, 3, 'text', ['image_id']])
def test_entries_that_are_no_objects(truth, entry):
    with pytest.raises(BadRecordError, match='must be an object'):
        read_record(entry, truth)


@pytest.mark.parametrize('key', ['image_id', 'bbox', 'score', 'uv_shape', 'uv_data'])
def test_missing_fields_are_named(truth, record, key):
    with pytest.raises(BadRecordError, match=f'has no {key}') as caught:
        read_record({k: v for k, v in record.items() if k != key}, truth)
    assert caught.value.reason == 'missing field'


def test_pictures_that_cannot_be_decoded(record):
    data = base64.b64decode(record['uv_data'])
    cut = base64.b64encode(data[:len(data) // 2]).decode()
    with pytest.raises(BadRecordError, match='cannot be decoded'):
        read_picture(record | dict(uv_data=cut))
    broken = base64.b64encode(data[:30] + b'\0' + data[31:]).decode()
    with pytest.raises(BadRecordError, match='broken header|cannot be decoded'):
        read_picture(record | dict(uv_data=broken))
    height, width = record['uv_shape'][1:]
    grey = png_text(np.zeros((height, width), np.uint8))
    with pytest.raises(BadRecordError, match='colour type 0 and 8 bit'):
        read_picture(record | dict(uv_data=grey))
    deep = base64.b64encode(data[:24] + bytes([16, 2]) + data[26:]).decode()
    with pytest.raises(BadRecordError, match='colour type 2 and 16 bit'):
        read_picture(record | dict(uv_data=deep))


def test_channels_in_the_order_of_opencv_are_told(record):
    pixels = read_picture(record).transpose(1, 2, 0)[..., ::-1]
    with pytest.raises(BadRecordError, match='I goes up to 2.*OpenCV'):
        read_picture(record | dict(uv_data=png_text(np.ascontiguousarray(pixels))))


def test_a_bomb_is_refused_before_it_is_decompressed(record, monkeypatch):
    """A PNG of 30000 x 30000 zeros has a few megabytes; its header is enough to refuse it."""
    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(
            kind + body))

    squeeze = zlib.compressobj(9)
    rows = b''.join(squeeze.compress(bytes(1 + 3 * 30000)) for _ in range(300))
    bomb = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack(
        '>IIBBBBB', 30000, 30000, 8, 2, 0, 0, 0)) + chunk(b'IDAT', rows + squeeze.flush())
    monkeypatch.setattr(Image, 'open', lambda *_, **__: pytest.fail('the picture was opened'))
    with pytest.raises(BadRecordError, match='30000, 30000'):
        read_picture(record | dict(uv_data=base64.b64encode(bomb).decode()))


def test_files_are_complete_or_not_there(tmp_path, record):
    def records():
        yield record
        raise RuntimeError('stopped')

    path = tmp_path / 'new' / 'results.json'
    with pytest.raises(RuntimeError):
        write_results(records(), path)
    assert not path.exists()
    for written in ([], [record], [record] * 3):
        write_results(iter(written), path)
        assert json.loads(path.read_text()) == written
        assert [p.name for p in path.parent.iterdir()] == ['results.json']


def test_picture_of_another_size_is_refused(truth):
    with pytest.raises(ValueError, match='must be'):
        measure(np.zeros((3, 4, 4), np.uint8), [0, 0, 5, 4], 1., truth, 100)
