"""What the page does, without gradio and without a browser."""
import os
import time

import cv2
import numpy as np
import pytest

from ktn_mm.apis import DensePoseInferencer
from ktn_mm.app import desk as desk_module
from ktn_mm.app import markup
from ktn_mm.app.desk import DETECTOR, OWN, WHOLE, Desk, DeskError
from ktn_mm.app.scratch import Scratch
from ktn_mm.app.views import shrink_values

BOXES = '10,5,40,85; 70,10,100,80'


def nobody(image):
    return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)


@pytest.fixture
def scratch():
    with Scratch() as scratch:
        yield scratch


@pytest.fixture
def desk(painted, config, checkpoint, scratch):
    return Desk(DensePoseInferencer(config, checkpoint), scratch)


@pytest.fixture
def picture(scratch):
    """Surface 4 everywhere, U 0.4: what the stand-in sees in this colour (BGR)."""
    path = scratch.uploads / 'people & co.png'
    cv2.imwrite(str(path), np.full((90, 120, 3), (3, 102, 7), np.uint8))
    return str(path)


def test_own_boxes_give_views_values_and_files(desk, picture):
    opened = desk.open(picture)
    assert (opened.name, opened.size) == ('people & co.png', (120, 90))
    assert cv2.imread(opened.preview).shape == (90, 120, 3)
    estimate = desk.estimate(opened, OWN, BOXES)
    assert estimate.summary.startswith('2 people, 1 of 24 surfaces, ')
    assert list(estimate.views) == ['Surfaces', 'U', 'V', 'Overlay']
    assert estimate.view_size == estimate.image_size == (120, 90)
    with open(estimate.values, 'rb') as file:
        values = np.frombuffer(file.read(), np.uint8).reshape(90, 120, 3)
    iuv = cv2.imread(estimate.downloads['iuv'])[..., ::-1]
    np.testing.assert_array_equal(values, iuv)
    assert iuv[45, 25].tolist()[:2] == [4, 102] and not iuv[45, 60].any()
    with np.load(estimate.downloads['npz'], allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays['iuv'], iuv)
        np.testing.assert_allclose(arrays['boxes'], [[10, 5, 40, 85], [70, 10, 100, 80]])
    for path in estimate.views.values():
        assert cv2.imread(path).shape == (90, 120, 3)


@pytest.mark.parametrize('boxes, message', [
    ('', 'Draw a box around every person'),
    ('1,2,three,4', "boxes must look like 'x1,y1,x2,y2;...'"),
    ('1,2,nan,4', 'finite'),
    ('500,500,600,600', 'outside'),
    (';'.join(['1,2,30,40'] * 31), '31 boxes are too many: at most 30'),
])
def test_boxes_that_cannot_be_used(desk, picture, boxes, message):
    with pytest.raises(DeskError, match=message):
        desk.estimate(desk.open(picture), OWN, boxes)


def test_nobody_is_said_and_no_whole_picture(desk, picture):
    assert desk.ways() == [WHOLE, OWN]
    with pytest.raises(DeskError, match='one of whole, own'):
        desk.estimate(desk.open(picture), DETECTOR)
    desk.inferencer.detector = nobody
    assert desk.ways() == [DETECTOR, WHOLE, OWN]
    with pytest.raises(DeskError, match='No person found: the detector .* at least 0.3'):
        desk.estimate(desk.open(picture), DETECTOR)


def test_uploads_are_limited_before_they_are_decoded(desk, picture, monkeypatch):
    monkeypatch.setattr(desk_module, 'MAX_PIXELS', 120 * 90 - 1)
    with pytest.raises(DeskError, match='120x90 pixels are too many'):
        desk.open(picture)
    monkeypatch.setattr(desk_module, 'MAX_BYTES', 2**20 - 1)
    with open(picture, 'ab') as file:
        file.write(bytes(2**20))
    with pytest.raises(DeskError, match='people & co.png: at most 0 MB'):
        desk.open(picture)


def test_what_is_no_picture_is_named_without_its_folder(desk, scratch):
    path = scratch.uploads / 'page.html'
    path.write_text('<script>alert(1)</script>')
    with pytest.raises(DeskError, match='^page.html: not a picture'):
        desk.open(str(path))
    with pytest.raises(DeskError, match='^gone.jpg is no longer here'):
        desk.open(str(scratch.uploads / 'gone.jpg'))


def test_names_of_files_cannot_write_html(desk, scratch):
    path = scratch.uploads / '"><img src=x onerror=alert(1)>.png'
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    opened = desk.open(str(path))
    assert '<img src=x' not in markup.stage(opened)
    assert '<img src=x' not in markup.results(desk.estimate(opened, WHOLE))
    assert '<b>' not in markup.error('<b>')


def test_values_of_a_large_picture_are_some_of_its_own():
    iuv = np.zeros((300, 4096, 3), np.uint8)
    iuv[:, 2048:] = (7, 255, 1)
    small = shrink_values(iuv)
    assert small.shape == (75, 1024, 3)
    assert {tuple(value) for value in small.reshape(-1, 3).tolist()} == {(0, 0, 0), (7, 255, 1)}
    assert not small[:, :512].any() and small[:, 512:, 0].all()


def test_old_files_go_and_all_at_the_end():
    with Scratch(kept=100.) as scratch:
        old, new = scratch.new_folder() / 'a', scratch.new_folder() / 'b'
        for path in (old, new):
            path.write_text('x')
        for path in (old, old.parent):
            os.utime(path, (time.time() - 200,) * 2)
        scratch.sweep()
        assert new.exists() and not old.exists()
        scratch.sweep()
        root = scratch.root
    assert not root.exists()


def test_without_gradio_one_line_says_what_to_install(monkeypatch, capsys, config, checkpoint):
    from ktn_mm.cli import app, main
    monkeypatch.setattr(app, 'find_spec', lambda name: None)
    assert main(['app', '--model', config, checkpoint]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and 'pip install' in lines[0] and app.GRADIO in lines[0]
