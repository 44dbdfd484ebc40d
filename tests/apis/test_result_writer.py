import json
from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest
from PIL import ExifTags, Image

from ktn_mm.apis import ResultWriter
from ktn_mm.apis.image_ids import ImageIds, read_image_ids
from ktn_mm.structures import DensePoseResult


def result(source, frame=None, surface=3):
    iuv = np.zeros((20, 30, 3), np.uint8)
    iuv[5:15, 5:15] = surface, 100, 200
    return DensePoseResult.from_iuv(iuv, image=iuv, source=source, frame=frame)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_pictures_with_records_of_the_run(tmp_path):
    with ResultWriter(tmp_path / 'new' / 'out', ['iuv', 'json']) as writer:
        writer.add(result('x/a.jpg'))
        writer.add(result('x/b.jpg', surface=9))
    out = tmp_path / 'new' / 'out'
    assert names(out) == ['a_iuv.png', 'b_iuv.png', 'densepose.json']
    records = json.loads((out / 'densepose.json').read_text())
    assert [(r['image_id'], r['file_name']) for r in records] == [(1, 'a.jpg'), (2, 'b.jpg')]


def test_a_run_without_results_leaves_an_empty_list(tmp_path):
    with ResultWriter(tmp_path, ['keypoints']):
        pass
    assert json.loads((tmp_path / 'keypoints.json').read_text()) == []


def test_all_files_are_finished_though_one_cannot_be(tmp_path):
    with pytest.raises(FileExistsError, match='densepose.json was written'), \
            ResultWriter(tmp_path, ['video', 'json', 'keypoints']) as writer:
        writer.add(result('webcam 0', 0))
        for name in ('densepose.json', 'webcam_0_overlay.mp4'):
            (tmp_path / name).write_text('of somebody else')
    assert len(json.loads((tmp_path / 'keypoints.json').read_text())) == 1
    kept, = tmp_path.glob('.densepose.*.part.json')
    assert len(json.loads(kept.read_text())) == 1


def test_nothing_is_replaced_even_without_a_check(tmp_path):
    for forms in (['iuv'], ['json'], ['video']):
        with ResultWriter(tmp_path, forms) as writer:
            writer.add(result('webcam 0', 0))
            writer.add(result('webcam 0', 1))
    assert names(tmp_path) == ['densepose.json', 'webcam_0_iuv', 'webcam_0_overlay.mp4']
    before = {path: path.read_bytes() for path in tmp_path.rglob('*.*')}
    for forms in (['iuv'], ['json'], ['video']):
        with pytest.raises(FileExistsError), ResultWriter(tmp_path, forms) as writer:
            writer.add(result('webcam 0', 0, surface=9))
    assert {path: path.read_bytes() for path in tmp_path.rglob('*.*')} == before


def test_each_video_gets_its_own_file(tmp_path):
    from ktn_mm.apis.video import VideoReader, VideoWriter
    rates = dict(a=Fraction(10), b=Fraction(24))
    for name, rate in rates.items():
        with VideoWriter(tmp_path / f'{name}.mkv', rate) as video:
            video.write(np.zeros((20, 30, 3), np.uint8))
    with ResultWriter(tmp_path / 'out', ['video:iuv']) as writer:
        for name in rates:
            for frame in range(2):
                writer.add(result(str(tmp_path / f'{name}.mkv'), frame))
    for name, rate in rates.items():
        video = VideoReader(tmp_path / 'out' / f'{name}_iuv.mkv')
        assert video.rate == rate and len(list(video)) == 2


def test_image_ids_come_from_annotations(tmp_path):
    path = tmp_path / 'ids.json'
    path.write_text(json.dumps(dict(images=[dict(file_name='val/a.jpg', id=7)])))
    writer = ResultWriter(tmp_path / 'out', ['keypoints'], image_ids=read_image_ids(path))
    writer.check(['elsewhere/a.jpg'])
    with pytest.raises(ValueError, match='b.jpg: has no image id'):
        writer.check(['b.jpg'])
    with pytest.raises(ValueError, match='a.mp4: a video has no image id'):
        writer.check(['a.mp4'])


def test_folders_tell_files_of_one_name_apart(tmp_path):
    ids = {'one/0.jpg': 1, 'two/0.jpg': 2, 'two/deep/0.jpg': 3}
    with ResultWriter(tmp_path, ['json'], image_ids=ImageIds(ids)) as writer:
        sources = ['x/two/0.jpg', 'one/0.jpg', str(tmp_path / 'two/deep/0.jpg')]
        writer.check(sources)
        for source in sources:
            writer.add(result(source))
    records = json.loads((tmp_path / 'densepose.json').read_text())
    assert [record['image_id'] for record in records] == [2, 1, 3]
    with pytest.raises(ValueError, match='three/0.jpg: 3 images have this name'):
        ImageIds(ids)['three/0.jpg']
    assert ImageIds({'0.jpg': 4, **ids})['three/0.jpg'] == 4, 'it has all of this name'
    counted = ResultWriter(tmp_path / 'other', ['json'])
    with pytest.raises(ValueError, match='a/0.jpg and b/0.jpg would both be 0.jpg in dense.*ids'):
        counted.check(['a/0.jpg', 'b/0.jpg'])


@pytest.mark.parametrize(('size', 'orientation', 'message'), [
    ((30, 20), 1, None), ((20, 30), 1, 'has 20x30 pixels, but 30x20 are annotated'),
    ((30, 20), 3, 'EXIF flag turns it'), ((20, 30), 6, 'has 20x30 pixels'),
    ((30, 20), 6, 'EXIF flag turns it')])
def test_pictures_must_be_those_that_were_annotated(tmp_path, size, orientation, message):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = tmp_path / 'a.jpg'
    Image.new('RGB', size).save(picture, exif=exif)
    (tmp_path / 'ids.json').write_text(json.dumps(dict(images=[
        dict(file_name='a.jpg', id=7, width=30, height=20)])))
    writer = ResultWriter(tmp_path / 'out', ['json'],
                          image_ids=read_image_ids(tmp_path / 'ids.json'))
    with nullcontext() if message is None else pytest.raises(ValueError, match=message):
        writer.check([str(picture)])
    ResultWriter(tmp_path / 'out', ['iuv']).check([str(picture)])
    unsized = ResultWriter(tmp_path / 'out', ['json'], image_ids=ImageIds({'a.jpg': 7}))
    turned = pytest.raises(ValueError, match='EXIF flag turns it')
    with nullcontext() if orientation == 1 else turned:
        unsized.check([str(picture)])
    picture.write_text('no picture')
    writer.check([str(picture)])  # who reads it says so


@pytest.mark.parametrize('content', [
    '[]', '{"images": [{}]}', 'no json',
    '{"images": [{"file_name": "a.jpg", "id": 1}, {"file_name": "a.jpg", "id": 2}]}'])
def test_other_files_have_no_image_ids(tmp_path, content):
    (tmp_path / 'ids.json').write_text(content)
    with pytest.raises(ValueError, match='ids.json: not an annotation file'):
        read_image_ids(tmp_path / 'ids.json')
