import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ktn_mm.app import markup
from ktn_mm.app.desk import DETECTOR, MAX_BYTES, OWN, WHOLE, Desk, DeskError
from ktn_mm.surface.charts import SURFACES


@pytest.fixture
def desk(inferencer, scratch):
    return Desk(inferencer, scratch, det_thr=.35)


def test_the_detector_is_the_default_where_there_is_one(desk):
    assert desk.ways() == [DETECTOR, WHOLE, OWN]
    desk.inferencer.detector = None
    assert desk.ways() == [WHOLE, OWN]


@pytest.mark.parametrize('way, boxes, people', [
    (DETECTOR, 'not looked at', 2), (WHOLE, '', 1), (OWN, '10,5,40,85', 1),
    (OWN, '10,5,40,85; 70,10,100,80\n 0,0,9,9,0.5', 3)])
def test_people_come_from_where_the_visitor_says(desk, picture, way, boxes, people):
    done = desk.estimate(desk.open(str(picture)), way, boxes)
    assert done.summary.startswith(f'{people} p') and '1 of 24 surfaces' in done.summary


def test_the_files_are_in_the_documented_forms(desk, picture):
    done = desk.estimate(desk.open(str(picture)), OWN, '10,5,40,85')
    assert [Path(path).name for path in done.downloads.values()] == [
        'people_iuv.png', 'people.npz']
    iuv = np.array(Image.open(done.downloads['iuv']))
    assert iuv.shape == (90, 120, 3) and iuv[45, 25].tolist()[:2] == [7, 102]
    with np.load(done.downloads['npz'], allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays['iuv'], iuv)
        assert arrays['boxes'].tolist() == [[10, 5, 40, 85]]
    values = np.frombuffer(Path(done.values).read_bytes(), np.uint8)
    np.testing.assert_array_equal(values.reshape(90, 120, 3), iuv)
    assert all(Image.open(path).size == done.view_size for path in done.views.values())


def test_a_large_picture_is_shown_small_and_written_large(desk, tmp_path):
    Image.new('RGB', (3000, 1500), 'white').save(tmp_path / 'large.jpg')
    opened = desk.open(str(tmp_path / 'large.jpg'))
    assert Image.open(opened.preview).size == (1024, 512)
    done = desk.estimate(opened, WHOLE)
    assert Image.open(done.downloads['iuv']).size == (3000, 1500)
    assert done.view_size == (1024, 512) and done.image_size == (3000, 1500)


@pytest.mark.parametrize('way, boxes, message', [
    (OWN, '', 'Draw a box'), (OWN, '1,2,3', 'box 0 = .*4 numbers'),
    (OWN, 'everybody', 'must look like'), (OWN, 'nan,0,5,5', 'not finite'),
    (OWN, '500,500,600,600', 'outside the image of 120x90'), (OWN, '9,9,1,1', 'no area'),
    (OWN, '0,0,5,5;' * 31, '31 boxes are too many'), ('nobody', '', 'Say where')])
def test_what_cannot_be_used_is_told(desk, picture, way, boxes, message):
    with pytest.raises(DeskError, match=message) as raised:
        desk.estimate(desk.open(str(picture)), way, boxes)
    assert 'array' not in str(raised.value)


def test_nobody_found_is_told(desk, tmp_path):
    Image.new('RGB', (60, 60)).save(tmp_path / 'night.png')
    with pytest.raises(DeskError, match='No person found: .* at least 0.35'):
        desk.estimate(desk.open(str(tmp_path / 'night.png')), DETECTOR)


def test_bad_uploads_are_named_without_their_folder(desk, tmp_path):
    (tmp_path / 'text.jpg').write_text('no picture')
    Image.new('1', (6000, 5000)).save(tmp_path / 'huge.png')
    (tmp_path / 'heavy.png').write_bytes(bytes(MAX_BYTES + 1))
    whole = tmp_path / 'cut.jpg'
    Image.effect_noise((99, 99), 50).save(whole)
    whole.write_bytes(whole.read_bytes()[:1500])
    for name, message in (('text.jpg', 'not a picture'), ('huge.png', '25 million'),
                          ('heavy.png', 'at most 20 MB'), ('cut.jpg', 'broken'),
                          ('gone.png', 'no longer here')):
        with pytest.raises(DeskError, match=f'^{name}.*{message}') as raised:
            desk.open(str(tmp_path / name))
        assert str(tmp_path) not in str(raised.value)


def test_names_of_files_are_no_markup(desk, tmp_path):
    path = tmp_path / '"><script>.png'
    Image.new('RGB', (60, 60), 'white').save(path)
    opened = desk.open(str(path))
    done = desk.estimate(opened, WHOLE)
    for text in (markup.stage(opened), markup.results(done), markup.error(opened.name)):
        assert '<script' not in text
        assert '&lt;script' in text or '%3Cscript' in text


def test_the_table_for_the_browser_is_the_table_of_charts():
    table = json.loads(markup.surface_table())
    assert [name for name, _ in table] == ['background'] + [s.name for s in SURFACES]
    assert len({color for _, color in table}) == len(table)
    assert all(f'{s.index} {s.name}<' in markup.legend() for s in SURFACES)
