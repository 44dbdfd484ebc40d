import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image

from ktn_mm.apis.video import VideoReader, VideoWriter
from ktn_mm.cli import main
from ktn_mm.synth.dataset import make_dataset
from ktn_mm.texture import read_atlas


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    """Return the folder of two rendered pictures and that of their IUV pictures."""
    folder = tmp_path_factory.mktemp('people')
    make_dataset(folder, {'val': 2}, (160, 200), seed=3, dense=True, use_photos=False,
                 progress=False)
    for kind in ('pictures', 'iuv'):
        (folder / kind).mkdir()
    for path in (folder / 'val').glob('*.jpg'):
        path.rename(folder / 'pictures' / path.name)
    for path in (folder / 'val').glob('*_iuv.png'):
        path.rename(folder / 'iuv' / path.name)
    return folder / 'pictures', folder / 'iuv'


def test_there_and_back_without_a_network(people, tmp_path, capsys):
    iuv = next(people[1].iterdir())
    picture = people[0] / (iuv.stem.removesuffix('_iuv') + '.jpg')
    atlas = tmp_path / 'atlas.png'
    assert main(['unwrap', str(picture), '--iuv', str(iuv), '--out', str(atlas)]) == 0
    assert 'of 24 surfaces were seen' in capsys.readouterr().out
    assert Image.open(atlas).size == (1024, 1536) and Image.open(atlas).mode == 'RGBA'
    blank = tmp_path / 'blank.png'
    shape = np.array(Image.open(picture)).shape
    Image.fromarray(np.zeros(shape, np.uint8)).save(blank)
    assert main(['paint', str(blank), '--iuv', str(iuv), '--atlas', str(atlas), '--out',
                 str(tmp_path / 'out')]) == 0
    painted = np.array(Image.open(tmp_path / 'out/blank_painted.png')).astype(int)
    shown = np.array(Image.open(iuv))[..., 0] > 0
    original = np.array(Image.open(picture))
    assert shown.sum() > 500 and not painted[~shown].any()
    assert np.abs(painted[shown] - original[shown]).mean() < 2


def test_iuv_pictures_belong_to_pictures_by_name(people, tmp_path, capsys):
    # sorted by name, frame10_iuv.png comes before frame1_iuv.png, but frame1.jpg before frame10
    for folder in ('pictures', 'iuv'):
        (tmp_path / folder).mkdir()
    iuvs = sorted(people[1].iterdir())
    for name, iuv in zip(('frame1', 'frame10'), iuvs):
        picture = people[0] / f'{iuv.stem.removesuffix("_iuv")}.jpg'
        (tmp_path / f'pictures/{name}.jpg').write_bytes(picture.read_bytes())
        (tmp_path / f'iuv/{name}_iuv.png').write_bytes(iuv.read_bytes())
    white = tmp_path / 'white.png'
    Image.fromarray(np.full((1536, 1024, 4), 255, np.uint8)).save(white)

    def paint(out):
        return main(['paint', str(tmp_path / 'pictures'), '--iuv', str(tmp_path / 'iuv'),
                     '--atlas', str(white), '--out', str(tmp_path / out)])

    assert paint('out') == 0
    for name, iuv in zip(('frame1', 'frame10'), iuvs):
        shown = np.array(Image.open(iuv))[..., 0] > 0
        painted = np.array(Image.open(tmp_path / f'out/{name}_painted.png'))
        assert (painted[shown] == 255).all() and (painted[~shown] != 255).any()
    # what is broken is named, and the rest is done
    (tmp_path / 'pictures/frame1.jpg').write_text('no picture')
    assert paint('second') == 1
    assert 'frame1.jpg' in capsys.readouterr().err
    assert [path.name for path in (tmp_path / 'second').iterdir()] == ['frame10_painted.png']
    (tmp_path / 'iuv/frame10_iuv.png').unlink()
    assert paint('third') == 1
    assert 'frame10.jpg: no frame10_iuv among the IUV pictures' in capsys.readouterr().err


def test_a_folder_is_averaged(people, tmp_path):
    atlas = tmp_path / 'atlas.png'
    assert main(['unwrap', str(people[0]), '--iuv', str(people[1]), '--out', str(atlas),
                 '--size', '32']) == 0
    tiles = read_atlas(atlas)
    assert tiles.shape == (24, 32, 32, 4) and 0 < (tiles[..., 3] > 0).mean() < 1


def test_videos_by_the_network(painted, config, checkpoint, tmp_path):
    """The stand-in's U is the picture's second channel: red at one place, blue at another."""
    with VideoWriter(tmp_path / 'walk.mkv', Fraction(30)) as video:
        for rgb in ((250, 0, 2), (0, 255, 2)):
            video.write(np.full((90, 120, 3), rgb, np.uint8))
    network = ['--whole-image', '--model', config, checkpoint]
    atlas = tmp_path / 'atlas.png'
    walk = str(tmp_path / 'walk.mkv')
    assert main(['unwrap', walk, '--out', str(atlas), '--size', '16', *network]) == 0
    tile = read_atlas(atlas)[2]
    assert tile[8, 0].tolist() == [250, 0, 2, 255] and tile[8, 15].tolist() == [0, 255, 2, 255]
    assert tile[8, 8, 3] == 0
    tiles = np.array(Image.open(atlas))
    tiles[..., :3] = (0, 0, 255)
    Image.fromarray(tiles).save(tmp_path / 'blue.png')
    assert main(['paint', walk, '--atlas', str(tmp_path / 'blue.png'), '--out',
                 str(tmp_path / 'out'), *network]) == 0
    result = VideoReader(tmp_path / 'out/walk_painted.mp4')
    assert result.rate == 30
    frames = list(result)
    assert len(frames) == 2
    for frame in frames:
        np.testing.assert_allclose(frame[45, 60], (255, 0, 0), atol=12)


@pytest.mark.parametrize('command, change, reason', [
    ('unwrap', dict(out='there.png'), 'exists already'),
    ('unwrap', dict(iuv='other_size.png'), 'other_size.png 7x5'),
    ('unwrap', dict(iuv='swapped.png'), 'I must be 0..24, got 200; perhaps the channels'),
    ('unwrap', dict(iuv='nobody.png'), 'nobody was seen'),
    ('unwrap', dict(inputs=['a.png', 'a.png']), 'no IUV picture left'),
    ('unwrap', dict(iuv='many'), 'more IUV pictures than pictures'),
    ('paint', dict(atlas='nobody.png'), 'nobody.png: an atlas is 6 tiles high'),
    ('paint', dict(atlas='none.png'), 'none.png: no such file'),
])
def test_what_cannot_be_done_is_told(tmp_path, monkeypatch, capsys, command, change, reason):
    monkeypatch.chdir(tmp_path)
    iuv = np.zeros((20, 30, 3), np.uint8)
    for name, picture in {'a.png': iuv, 'nobody.png': iuv, 'swapped.png': iuv + np.uint8(200),
                          'other_size.png': iuv[:5, :7], 'there.png': iuv}.items():
        cv2.imwrite(name, picture)
    (tmp_path / 'many').mkdir()
    for name in ('x.png', 'y.png'):
        cv2.imwrite(f'many/{name}', iuv)
    args = dict(inputs=['a.png'], iuv='nobody.png', out='out.png') | change
    extra = ['--atlas', args['atlas']] if command == 'paint' else []
    assert main([command, *args['inputs'], '--iuv', args['iuv'], '--out', args['out'],
                 *extra]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith('ktn-mm: error: ') and reason in error


@pytest.mark.parametrize('command, args, reason', [
    ('unwrap', ['--out', 'atlas.jpg'], 'the atlas is a .png'),
    ('unwrap', ['--out', 'atlas.png', '--size', '0'], 'must be at least 1, got 0'),
    ('paint', ['--out', 'out', '--atlas', 'a.png', '--opacity', '2'], 'must lie in 0..1, got 2'),
    ('unwrap', ['--out', 'atlas.png', '--bboxes', '1,2,3,4'], '--bboxes is of no use with --iuv'),
    ('paint', ['--out', 'out', '--atlas', 'a.png', '--flip-test'], '--flip-test is of no use'),
])
def test_wrong_arguments_are_told_apart(capsys, command, args, reason):
    try:
        code = main([command, 'a.png', '--iuv', 'iuv.png', *args])
    except SystemExit as stopped:  # of argparse
        code = stopped.code
    assert code == 2 and reason in capsys.readouterr().err


def test_a_lost_terminal_leaves_the_atlas_of_what_was_seen(people, tmp_path):
    """In a process of its own, whose terminal is closed as soon as its bar moves."""
    pictures, iuvs = tmp_path / 'pictures', tmp_path / 'iuv'
    for folder in (pictures, iuvs):
        folder.mkdir()
    iuv = next(people[1].iterdir())
    picture = people[0] / f'{iuv.stem.removesuffix("_iuv")}.jpg'
    for i in range(500):
        (pictures / f'{i:03}.jpg').symlink_to(picture)
        (iuvs / f'{i:03}_iuv.png').symlink_to(iuv)
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('4H', 24, 80, 0, 0))
    command = [sys.executable, '-W', 'ignore', '-m', 'ktn_mm', 'unwrap', pictures, '--iuv', iuvs,
               '--out', tmp_path / 'atlas.png', '--size', '64']
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal,
                          start_new_session=True, preexec_fn=take_terminal) as process:
        os.close(terminal)
        seen = b''
        while not re.search(rb'[1-9]\d*/500', seen):
            seen += os.read(controller, 1000)
        os.close(controller)
        assert process.wait(60) in (120, 130)
    assert read_atlas(tmp_path / 'atlas.png')[..., 3].any()


def take_terminal():
    """Make standard input the process's own terminal, so that it is told of its end."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
