import json
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image

from ktn_mm.apis.video import VideoReader, VideoWriter
from ktn_mm.cli import main
from ktn_mm.synth.dataset import make_dataset

BOXES = '10,5,40,85;70,10,100,80'
RATE = Fraction(24000, 1001)


def plain(value):
    return np.full((90, 120, 3), value, np.uint8)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'people.png'
    cv2.imwrite(str(path), plain((6, 102, 9)))
    return path


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'walk.mkv'
    with VideoWriter(path, RATE) as writer:
        for shade in (1, 2, 3, 4):
            writer.write(plain((9, 50, shade)))  # its first channel is the last in BGR
    return path


@pytest.fixture
def infer(painted, config, checkpoint, tmp_path):
    def run(*args, model=(config, checkpoint)):
        return main(['infer', *map(str, args), '--out', str(tmp_path / 'out'), '--model', *model])
    run.out = tmp_path / 'out'
    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_picture_with_own_boxes(infer, picture, capsys):
    assert infer(picture, '--bboxes', BOXES) == 0
    assert names(infer.out) == ['people_iuv.png', 'people_overlay.jpg']
    iuv = np.array(Image.open(infer.out / 'people_iuv.png'))
    assert iuv[45, 25].tolist()[:2] == [7, 102] and not iuv[45, 55].any()
    assert cv2.imread(str(infer.out / 'people_overlay.jpg')).shape == (90, 120, 3)
    said = capsys.readouterr()
    assert '1 pictures or frames, 2 people' in said.out
    assert said.out.endswith(f' a second; written to {infer.out}\n')


def test_every_form_of_a_picture(infer, picture):
    forms = 'iuv,iuv_bgr,overlay,dp_segm,dp_segm_parula,contours,npz,json,keypoints'
    assert infer(picture, '--bboxes', BOXES, '--save', forms) == 0
    assert names(infer.out) == [
        'densepose.json', 'keypoints.json', 'people.npz', 'people_contours.jpg',
        'people_dp_segm.png', 'people_dp_segm_parula.png', 'people_iuv.png',
        'people_iuv_bgr.png', 'people_overlay.jpg']
    np.testing.assert_array_equal(cv2.imread(str(infer.out / 'people_iuv_bgr.png')),
                                  np.array(Image.open(infer.out / 'people_iuv.png')))
    records = json.loads((infer.out / 'densepose.json').read_text())
    assert [(r['image_id'], r['file_name']) for r in records] == [(1, 'people.png')] * 2


def test_boxes_and_image_ids_by_file_name(infer, picture, tmp_path):
    (tmp_path / 'boxes.json').write_text(json.dumps({'people.png': [[10, 5, 40, 85, .25]]}))
    (tmp_path / 'ids.json').write_text(json.dumps(
        dict(images=[dict(file_name='val/people.png', id=397133)])))
    assert infer(picture, '--bboxes', tmp_path / 'boxes.json', '--save', 'npz,keypoints',
                 '--image-ids', tmp_path / 'ids.json') == 0
    with np.load(infer.out / 'people.npz') as arrays:
        np.testing.assert_allclose(arrays['scores'], [.25])
    record, = json.loads((infer.out / 'keypoints.json').read_text())
    assert (record['image_id'], record['bbox']) == (397133, [10, 5, 30, 80])


def test_a_video_gives_frames_and_videos_of_its_rate(infer, video):
    assert infer(video, '--whole-image', '--save', 'iuv,npz,keypoints,video,video:iuv') == 0
    assert names(infer.out) == ['keypoints.json', 'walk_iuv', 'walk_iuv.mkv', 'walk_npz',
                                'walk_overlay.mp4']
    assert names(infer.out / 'walk_iuv') == [f'00000{i}.png' for i in range(4)]
    assert names(infer.out / 'walk_npz') == [f'00000{i}.npz' for i in range(4)]
    surfaces = [np.array(Image.open(infer.out / f'walk_iuv/00000{i}.png'))[45, 60, 0]
                for i in range(4)]
    assert surfaces == [2, 3, 4, 5]
    exact = VideoReader(infer.out / 'walk_iuv.mkv')
    assert exact.rate == RATE
    assert [frame[45, 60, 2] for frame in exact] == surfaces
    overlay = VideoReader(infer.out / 'walk_overlay.mp4')
    assert overlay.rate == RATE and [f.shape for f in overlay] == [(90, 120, 3)] * 4
    records = json.loads((infer.out / 'keypoints.json').read_text())
    assert [(r['image_id'], r['frame']) for r in records] == [(i + 1, i) for i in range(4)]


def test_boxes_by_frame(infer, video, tmp_path):
    rows = [[[0, 0, 20, 20]], [], [[5, 5, 30, 30], [50, 5, 80, 60]], [[0, 0, 9, 9]]]
    (tmp_path / 'boxes.json').write_text(json.dumps({'walk.mkv': rows}))
    assert infer(video, '--bboxes', tmp_path / 'boxes.json', '--save', 'keypoints') == 0
    records = json.loads((infer.out / 'keypoints.json').read_text())
    assert [r['frame'] for r in records] == [0, 2, 2, 3]


def test_what_exists_stays_unless_asked(infer, picture, capsys):
    assert infer(picture, '--bboxes', BOXES) == 0
    before = (infer.out / 'people_iuv.png').read_bytes()
    assert infer(picture, '--bboxes', '10,5,40,85') == 1
    said = capsys.readouterr().err
    assert 'people_iuv.png exists already, and 1 more; overwrite it' in said
    assert '(--overwrite, --out)' in said
    assert (infer.out / 'people_iuv.png').read_bytes() == before
    assert infer(picture, '--bboxes', '10,5,40,85', '--overwrite') == 0
    assert (infer.out / 'people_iuv.png').read_bytes() != before


def test_frames_of_a_longer_video_do_not_stay(infer, video):
    assert infer(video, '--whole-image', '--save', 'iuv') == 0
    with VideoWriter(video, RATE, overwrite=True) as writer:
        writer.write(plain(1))
    (infer.out / 'walk_iuv/notes.txt').write_text('mine')
    assert infer(video, '--whole-image', '--save', 'iuv', '--overwrite') == 0
    assert names(infer.out / 'walk_iuv') == ['000000.png', 'notes.txt']


def test_one_broken_file_in_a_folder(infer, picture, video, tmp_path, capsys):
    folder = tmp_path / 'folder'
    folder.mkdir()
    for path in (picture, video):
        path.rename(folder / path.name)
    (folder / 'broken.jpg').write_text('no picture')
    whole = (folder / 'walk.mkv').read_bytes()
    (folder / 'cut.mkv').write_bytes(whole[:len(whole) * 2 // 3])
    (folder / 'notes.txt').write_text('left out')
    assert infer(folder, '--whole-image', '--save', 'iuv,video') == 1
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if 'skipped:' in line]
    assert '100%' in said.err.splitlines()[-1]  # nothing more will come
    assert len(lines) == 2 and 'broken.jpg: not a picture' in lines[0]
    assert 'cut.mkv: ' in lines[1] and '2 skipped' in said.out
    kept = names(infer.out / 'cut_iuv')
    shown = list(VideoReader(infer.out / 'cut_overlay.mp4'))
    assert 1 <= len(kept) < 4 and len(shown) == len(kept)
    assert {'people_iuv.png', 'walk_iuv', 'walk_overlay.mp4'} <= set(names(infer.out))


def test_a_video_that_changes_its_size(infer, tmp_path, capsys):
    blobs = [cv2.imencode('.jpg', np.full(shape, 50, np.uint8))[1].tobytes()
             for shape in ((90, 120, 3), (60, 50, 3))]
    (tmp_path / 'zoom.mjpeg').write_bytes(b''.join(blobs))
    assert infer(tmp_path / 'zoom.mjpeg', '--whole-image', '--save', 'iuv,video:iuv') == 0
    assert [Image.open(infer.out / f'zoom_iuv/00000{i}.png').size for i in range(2)] == [
        (120, 90), (50, 60)]
    assert [f.shape for f in VideoReader(infer.out / 'zoom_iuv.mkv')] == [(90, 120, 3)] * 2
    assert '1 frames of another size were stretched' in capsys.readouterr().out


@pytest.mark.parametrize('args, reason', [
    (('--bboxes', '10,5,40'), "got '10,5,40': box 0 .*4 numbers"),
    (('--bboxes', 'everyone'), '--bboxes must look like'),
    ((), 'say where the people are'),
    (('--whole-image', '--save', 'iuv,uvi'), "--save: .* no form 'uvi'; there are iuv, iuv_bgr"),
    (('--whole-image', '--save', 'video:npz'), "no form 'video:npz'"),
    (('--det', 'a.py', 'b.pth', 'people.png'), '--det takes a config and a checkpoint'),
    (('--det', 'a.py', 'more.JPG'), 'more.JPG is neither a config nor weights; inputs come first'),
    (('--det', 'a.py', '/'), '--det: / is neither a config nor weights; inputs come first'),
])
def test_wrong_arguments_take_one_line(infer, picture, capsys, args, reason):
    assert infer(picture, *args) == 2
    line, = capsys.readouterr().err.splitlines()
    assert line.startswith('ktn-mm: error: ') and re.search(reason, line)
    assert not infer.out.exists()


@pytest.mark.parametrize('args', [
    ('--batch-size', '0'), ('--batch-size', 'all'), ('--det-thr', '1.5'), ('--det-thr', 'nan')])
def test_numbers_out_of_range_are_wrong_arguments(infer, picture, capsys, args):
    with pytest.raises(SystemExit) as stopped:
        infer(picture, '--whole-image', *args)
    assert stopped.value.code == 2 and f'argument {args[0]}' in capsys.readouterr().err


@pytest.mark.parametrize('args, reason', [
    (('--bboxes', '200,5,240,85'), 'people.png: box 0 .*outside the image'),
    (('--bboxes', '40,5,10,85'), 'people.png: box 0 .*no area'),
    (('--bboxes', 'nan,5,10,85'), 'people.png: box 0 .*not finite'),
    (('--bboxes', 'none.json'), 'none.json'),
    (('--whole-image', '--save', 'video'), 'people.png: nothing would be written'),
    (('--det', 'a.py', 'b.pth'), 'a.py: no such file'),
    (('--det', 'a.py'), 'a.py: a detector needs a checkpoint'),
])
def test_errors_take_one_line(infer, picture, capsys, args, reason):
    assert infer(picture, *args) == 1
    lines = [line for line in capsys.readouterr().err.splitlines()
             if 'skipped: ' in line or line.startswith('ktn-mm: error: ')]
    assert len(lines) == 1 and re.search(reason, lines[0]), lines
    written = sorted(path.name for path in infer.out.glob('*'))
    if re.search('outside|no area|not finite', reason):  # a box is left out: nobody is shown
        assert written == ['people_iuv.png', 'people_overlay.jpg']
        assert not np.array(Image.open(infer.out / 'people_iuv.png')).any()
    else:
        assert written == []


@pytest.mark.parametrize('boxes, reason', [
    ({'people.png': [[10, 5, 40, 85]], 'other.jpg': [[1, 2, 3]]},
     r"'other.jpg': box 0 = \[1.0, 2.0, 3.0\]: a box has 4 numbers"),
    ({'walk.mkv': [[], [[1, 2, 3, 4], [1, 2, 3, 4, 1, 1]]]},
     "'walk.mkv': entry 1: box 1 = .*4 numbers"),
    ({'people.png': 7}, "'people.png': boxes must be rows"),
    ({'people.png': ['1234']}, "'people.png': entry 0: boxes must be rows"),
    ({'walk.mkv': {'0': [[1, 2, 3, 4]]}}, "'walk.mkv': boxes must be rows .* got {'0'"),
    ([[[1, [2]], 3]], 'entry 0: boxes must be rows'), ([[10 ** 400, 2, 3, 4]], 'boxes must be'),
    ({'other.png': [[1, 2, 3, 4]]}, "no input has boxes by its name, .*boxes for 'other.png'$"),
    ([[1, 2, 3, 'x']], 'boxes must be rows'), (7, 'must hold rows or an object')])
def test_a_file_that_holds_no_boxes_is_told_before_any_work(
        infer, painted, picture, tmp_path, capsys, boxes, reason):
    (tmp_path / 'boxes.json').write_text(json.dumps(boxes))
    assert infer(picture, '--bboxes', tmp_path / 'boxes.json') == 1
    assert re.search(reason, capsys.readouterr().err.strip())
    assert painted.batches == [] and not list(infer.out.glob('*'))


def test_a_bad_box_costs_neither_its_neighbours_nor_a_frame(infer, video, tmp_path):
    entries = [[[10, 5, 40, 85]], [[10, 5, 40, 85], [500, 5, 510, 85]], [[500, 5, 510, 85]],
               [[10, 5, 40, 85]]]
    (tmp_path / 'boxes.json').write_text(json.dumps({'walk.mkv': entries}))
    assert infer(video, '--bboxes', tmp_path / 'boxes.json', '--save', 'iuv,video:iuv') == 1
    shown = [frame.any() for frame in VideoReader(infer.out / 'walk_iuv.mkv')]
    assert shown == [True, True, False, True]
    assert names(infer.out / 'walk_iuv') == [f'00000{i}.png' for i in range(4)]


def test_a_start_that_failed_leaves_nothing_in_the_way(infer, picture, monkeypatch):
    from ktn_mm.apis import backends

    def fails(*args):
        raise ValueError('no such network')

    with monkeypatch.context() as patch:
        patch.setitem(backends.BACKENDS, 'pytorch', fails)
        assert infer(picture, '--whole-image', '--save', 'json') == 1
    assert infer(picture, '--whole-image', '--save', 'json') == 0


def test_a_file_may_be_called_as_a_webcam(infer, picture):
    shot = picture.with_name('webcam shot.png')
    picture.rename(shot)
    assert infer(shot, '--whole-image', '--save', 'iuv') == 0
    assert names(infer.out) == ['webcam shot_iuv.png']


def test_trouble_is_told_before_any_work(infer, painted, picture, tmp_path, capsys):
    blocked = tmp_path / 'file'
    blocked.write_text('')
    infer.out.parent.joinpath('sub').mkdir()
    twin = infer.out.parent / 'sub' / 'people.jpg'
    cv2.imwrite(str(twin), plain(3))
    model = ['--model', 'ktn_nowhere', 'none.pth']
    cases = {
        'nothing can be written there': [str(picture), '--out', str(blocked / 'out')],
        'would both be written to': [str(picture), str(twin), '--out', str(infer.out)],
        'gone.jpg: no such file': [str(picture), 'gone.jpg', '--out', str(infer.out)],
        'neither a picture nor a video in this folder; pictures end in .jpg, .jpeg': [
            str(tmp_path / 'empty'), '--out', str(infer.out)]}
    (tmp_path / 'empty').mkdir()
    for reason, args in cases.items():
        assert main(['infer', *args, *model, '--whole-image']) == 1
        assert reason in capsys.readouterr().err
    assert main(['infer', str(twin.parent), '--out', str(twin.parent), *model,
                 '--whole-image']) == 2
    assert 'results would lie among the inputs' in capsys.readouterr().err
    assert painted.batches == []


def test_boxes_that_are_left_over_are_told(infer, video, tmp_path, capsys):
    entries = [[[10, 5, 40, 85]]] * 5
    (tmp_path / 'boxes.json').write_text(json.dumps({'walk.mkv': entries}))
    assert infer(video, '--bboxes', tmp_path / 'boxes.json', '--save', 'iuv') == 1
    said = capsys.readouterr()
    error, = [line for line in said.err.splitlines() if 'error: ' in line]
    assert 'skipped' not in said.out + said.err
    assert "the boxes of 'walk.mkv' are 5 entries, but 4 pictures or frames came" in error
    assert len(names(infer.out / 'walk_iuv')) == 4


def test_wrong_arguments_and_help():
    for args, code in ((['infer'], 2), (['fly'], 2), ([], 2), (['--help'], 0),
                       (['infer', '--help'], 0), (['unwrap', '--help'], 0),
                       (['paint', '--help'], 0), (['--version'], 0)):
        with pytest.raises(SystemExit) as stopped:
            main(args)
        assert stopped.value.code == code


@pytest.mark.parametrize('args, hint', [
    (('--model', 'NAME', 'people.png', '--whole-image'), 'INPUT; inputs come first: --model'),
    (('people.png', '--model', 'NAME', '--bboxes', '-5,10,100,200'), 'write --bboxes=-5,10')])
def test_what_argparse_takes_amiss_comes_with_a_way_out(capsys, args, hint):
    with pytest.raises(SystemExit) as stopped:
        main(['infer', '--out', 'out', *args])
    assert stopped.value.code == 2 and hint in capsys.readouterr().err


def test_boxes_may_begin_with_a_minus(infer, picture):
    assert infer(picture, '--bboxes=-5,5,40,85', '--save', 'npz') == 0


def test_help_tells_forms_and_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(['infer', '--help'])
    said = capsys.readouterr().out
    assert 'red = I' in said and 'dp_segm_parula' in said and '130 interrupted' in said


def test_an_interrupted_video_is_kept_and_readable(config, checkpoint, tmp_path):
    """In a process of its own, by the signal that Ctrl-C sends; with the real network."""
    path, out = tmp_path / 'long.mkv', tmp_path / 'out'
    with VideoWriter(path, RATE) as writer:
        for i in range(3000):
            writer.write(plain(i % 200))
    command = [sys.executable, '-W', 'ignore', '-m', 'ktn_mm', 'infer', path, '--out', out,
               '--whole-image', '--save', 'iuv,video,keypoints', '--device', 'cpu',
               '--model', config, checkpoint]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, 'OMP_NUM_THREADS': '1'}) as process:
        deadline = time.monotonic() + 120
        while not (out / 'long_iuv/000020.png').exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert 'interrupted; what was done is kept' in said and 'Traceback' not in said
    frames = names(out / 'long_iuv')
    assert 20 < len(frames) < 3000
    shown = list(VideoReader(out / 'long_overlay.mp4'))
    assert abs(len(shown) - len(frames)) <= 1
    records = json.loads((out / 'keypoints.json').read_text())
    assert abs(len(records) - len(frames)) <= 1
    assert names(out) == ['keypoints.json', 'long_iuv', 'long_overlay.mp4']
    for name in (frames[0], frames[-1]):
        assert np.array(Image.open(out / 'long_iuv' / name)).shape == (90, 120, 3)


def test_a_named_detector_end_to_end(config, checkpoint, tmp_path):
    coco = make_dataset(tmp_path, {'val': 1}, seed=20, use_photos=False, progress=False)['val']
    image = tmp_path / 'val' / coco['images'][0]['file_name']
    assert main(['infer', str(image), '--out', str(tmp_path / 'out'), '--save', 'npz', '--model',
                 config, checkpoint, '--det', 'rtmdet-tiny-open-body']) == 0
    with np.load(next((tmp_path / 'out').glob('*.npz'))) as arrays:
        assert len(arrays['boxes']) >= 1 and arrays['iuv'].any()
