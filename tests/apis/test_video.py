from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from ktn_mm.apis.video import VideoReader, VideoWriter

RATE = Fraction(30000, 1001)


def noise(count, size=(64, 48), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 255, (size[1], size[0], 3), np.uint8) for _ in range(count)]


def write(path, frames, rate=RATE):
    with VideoWriter(path, rate) as video:
        for frame in frames:
            video.write(frame)
    return path


@pytest.mark.parametrize('size', [(64, 48), (63, 47)])
def test_ffv1_keeps_every_value_and_the_rate(tmp_path, size):
    frames = noise(5, size)
    video = VideoReader(write(tmp_path / 'a.mkv', frames))
    assert video.rate == RATE and video.count == 5
    back = list(video)
    assert len(back) == 5
    for one, other in zip(frames, back):
        np.testing.assert_array_equal(one[..., ::-1], other)
    assert [p.name for p in tmp_path.iterdir()] == ['a.mkv']


def test_h264_keeps_size_rate_and_looks(tmp_path):
    frames = [np.full((48, 64, 3), (200, 20 * i, 50), np.uint8) for i in range(5)]
    path = write(tmp_path / 'a.mp4', frames)
    back = list(VideoReader(path))
    assert len(back) == 5
    assert VideoReader(path).rate == RATE
    for one, other in zip(frames, back):
        np.testing.assert_allclose(one[..., ::-1], other, atol=6)
    capture = cv2.VideoCapture(str(path))
    assert abs(capture.get(cv2.CAP_PROP_FPS) - 29.97) < 0.01


def mjpeg(path, *frames):
    """Write what a camera writes that is switched to another size."""
    path.write_bytes(b''.join(cv2.imencode('.jpg', f)[1].tobytes() for f in frames))
    return path


def test_a_video_may_change_its_size(tmp_path):
    small = [np.full((48, 64, 3), v, np.uint8) for v in (10, 60)]
    large = [np.full((80, 120, 3), v, np.uint8) for v in (110, 160)]
    for name, frames in (('grow', small + large), ('shrink', large + small)):
        back = list(VideoReader(mjpeg(tmp_path / f'{name}.mjpeg', *frames)))
        assert [f.shape for f in back] == [f.shape for f in frames]
        np.testing.assert_allclose([f.mean() for f in back], [f.mean() for f in frames], atol=2)


def test_a_written_video_has_the_size_of_its_first_frame(tmp_path):
    labels = np.random.default_rng(0).integers(0, 25, (20, 30, 3), np.uint8)
    larger = labels.repeat(2, 0).repeat(2, 1)
    with VideoWriter(tmp_path / 'a.mkv', RATE) as video:
        for frame in (labels, larger, labels):
            video.write(frame)
    assert video.stretched == 1
    for frame in VideoReader(tmp_path / 'a.mkv'):
        np.testing.assert_array_equal(frame[..., ::-1], labels)


def test_odd_sides_of_h264_become_even_by_a_copy(tmp_path):
    picture = np.zeros((21, 31, 3), np.uint8)
    picture[:, 20:], picture[14:] = (250, 0, 0), (0, 250, 0)
    write(tmp_path / 'a.mp4', [picture, picture])
    with av.open(str(tmp_path / 'a.mp4')) as container:
        assert container.streams.video[0].pix_fmt == 'yuv420p'
    frames = list(VideoReader(tmp_path / 'a.mp4'))
    assert [frame.shape for frame in frames] == [(22, 32, 3)] * 2
    wide = np.pad(picture, [(0, 1), (0, 1), (0, 0)], mode='edge')[..., ::-1]
    assert np.abs(frames[0].astype(int) - wide).mean() < 12


def test_what_is_cut_off_says_so_after_the_frames_that_are_there(tmp_path):
    path = write(tmp_path / 'a.mkv', noise(10))
    whole = path.read_bytes()
    (tmp_path / 'cut.mkv').write_bytes(whole[:len(whole) // 2])
    seen = []
    with pytest.raises(ValueError, match='cut.mkv: .*(cut off|broken)'):
        for frame in VideoReader(tmp_path / 'cut.mkv'):
            seen.append(frame)
    assert 0 < len(seen) < 9
    whole = write(tmp_path / 'a.mp4', noise(10)).read_bytes()
    (tmp_path / 'cut.mp4').write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ValueError, match='cut.mp4: not a video, or cut off'):
        VideoReader(tmp_path / 'cut.mp4')


def with_sound(path, frames, seconds):
    """Write a Matroska file of 25 frames a second whose sound lasts other seconds."""
    with av.open(str(path), 'w') as container:
        pictures = container.add_stream('ffv1', rate=25)
        pictures.width, pictures.height = frames[0].shape[1::-1]
        pictures.pix_fmt = 'bgr0'
        sound = container.add_stream('pcm_s16le', rate=8000, layout='mono')
        for frame in frames:
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        container.mux(pictures.encode())
        samples = av.AudioFrame.from_ndarray(
            np.zeros((1, int(8000 * seconds)), np.int16), format='s16', layout='mono')
        samples.sample_rate = 8000
        container.mux(sound.encode(samples))
        container.mux(sound.encode())
    return path


def test_longer_sound_is_no_loss_of_pictures(tmp_path):
    path = with_sound(tmp_path / 'a.mkv', noise(50), 4)
    reader = VideoReader(path)
    assert reader.count == 50 == len(list(reader))
    whole = path.read_bytes()
    path.write_bytes(whole[:int(.9 * len(whole))])
    with pytest.raises(ValueError, match='a.mkv: .*(cut off: ends after 4|broken)'):
        list(VideoReader(path))


def test_what_is_no_video_is_named(tmp_path):
    (tmp_path / 'text.mp4').write_text('no video')
    with pytest.raises(ValueError, match='text.mp4: not a video'):
        VideoReader(tmp_path / 'text.mp4')
    with pytest.raises(FileNotFoundError, match='none.mp4'):
        VideoReader(tmp_path / 'none.mp4')


def test_an_interrupted_video_is_readable(tmp_path):
    frames = noise(4)
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / 'a.mkv', RATE) as video:
        for frame in frames[:3]:
            video.write(frame)
        raise KeyboardInterrupt
    assert len(list(VideoReader(tmp_path / 'a.mkv'))) == 3


def test_a_video_that_somebody_wrote_meanwhile_stays(tmp_path):
    path = tmp_path / 'a.mkv'
    with pytest.raises(FileExistsError, match='meanwhile') as told, VideoWriter(path, RATE) as one:
        one.write(noise(1)[0])
        path.write_text('of somebody else')
    assert path.read_text() == 'of somebody else'
    assert len(list(VideoReader(str(told.value).split(' is in ')[1]))) == 1
    with VideoWriter(path, RATE, overwrite=True) as other:
        other.write(noise(1)[0])
    assert len(list(VideoReader(path))) == 1


def test_no_frame_makes_no_file(tmp_path):
    write(tmp_path / 'a.mp4', [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('matrix, expected', [
    ((0, 1, 0, -1, 0, 0), 'red above green'), ((0, -1, 0, 1, 0, 0), 'green above red'),
    ((-1, 0, 0, 0, -1, 0), 'green before red')])
def test_a_telephones_video_is_turned_upright(tmp_path, matrix, expected):
    """A point x, y is shown at a x + c y, b x + d y: the turn is in the file's header."""
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:, :32], frame[:, 32:] = (255, 0, 0), (0, 255, 0)
    path = write(tmp_path / 'a.mp4', [frame] * 3)
    content = bytearray(path.read_bytes())
    start = content.index(b'tkhd') + 4 + 40
    assert content[start:start + 4] == b'\0\1\0\0'
    for i, value in enumerate(matrix):
        content[start + 4 * i:start + 4 * i + 4] = (value * 65536).to_bytes(4, 'big', signed=True)
    path.write_bytes(content)
    image = next(iter(VideoReader(path)))
    assert image.shape == ((64, 48, 3) if 'above' in expected else (48, 64, 3))
    blue, green, red = np.moveaxis(image.astype(int), -1, 0)
    first = (red[:5] if 'above' in expected else red[:, :5]).mean()
    assert (first > 200) == expected.startswith('red') and blue.max() < 80
