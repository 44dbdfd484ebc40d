import warnings

import cv2
import numpy as np
import pytest
from PIL import Image

from ktn_mm.apis import read_picture
from ktn_mm.apis.pictures import check_image

RED, GREEN = (0, 0, 255), (0, 255, 0)  # BGR


def corners(image):
    return [image[0, 0].tolist(), image[0, -1].tolist(), image[-1, 0].tolist()]


def test_a_jpeg_is_read_as_opencv_reads_it(tmp_path):
    smooth = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8),
                              (0, 0), 3)
    cv2.imwrite(str(tmp_path / 'a.jpg'), smooth)
    difference = read_picture(tmp_path / 'a.jpg').astype(int) - cv2.imread(str(tmp_path / 'a.jpg'))
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize('flag, expected', [
    (1, [RED, GREEN, RED]), (3, [GREEN, RED, GREEN]), (6, [RED, RED, GREEN]),
    (8, [GREEN, GREEN, RED]), (2, [GREEN, RED, GREEN])])
def test_the_exif_flag_turns_the_picture(tmp_path, flag, expected):
    picture = Image.new('RGB', (32, 16), (0, 255, 0))
    picture.paste((255, 0, 0), (0, 0, 16, 16))
    exif = picture.getexif()
    exif[0x0112] = flag
    picture.save(tmp_path / 'a.jpg', exif=exif, quality=100, subsampling=0)
    image = read_picture(tmp_path / 'a.jpg')
    assert image.shape == ((32, 16, 3) if flag in (6, 8) else (16, 32, 3))
    np.testing.assert_allclose(corners(image), expected, atol=3)


def test_every_kind_of_pixel_becomes_bgr_of_8_bits(tmp_path):
    grey = np.full((4, 5), 100, np.uint8)
    cases = {
        'grey.png': (Image.fromarray(grey), (100, 100, 100)),
        'grey16.png': (Image.fromarray(grey.astype(np.uint16) * 257), (100, 100, 100)),
        'bits.png': (Image.fromarray(grey > 0), (255, 255, 255)),
        'palette.png': (Image.new('RGB', (5, 4), (255, 0, 0)).quantize(4), RED),
        'alpha.png': (Image.new('RGBA', (5, 4), (255, 0, 0, 255)), RED),
        'half.png': (Image.new('RGBA', (5, 4), (255, 0, 0, 51)), (204, 204, 255)),
        'clear.png': (Image.new('LA', (5, 4), (0, 0)), (255, 255, 255)),
        'cmyk.jpg': (Image.new('CMYK', (5, 4), (0, 255, 255, 0)), RED),
        'a.webp': (Image.new('RGB', (5, 4), (255, 0, 0)), RED),
        'a.bmp': (Image.new('RGB', (5, 4), (255, 0, 0)), RED),
        'a.tif': (Image.new('CMYK', (5, 4), (0, 255, 255, 0)), RED),
        'a.gif': (Image.new('RGB', (5, 4), (255, 0, 0)), RED)}
    for name, (picture, color) in cases.items():
        picture.save(tmp_path / name)
        image = read_picture(tmp_path / name)
        assert image.shape == (4, 5, 3) and image.dtype == np.uint8, name
        np.testing.assert_allclose(image[2, 2], color, atol=3, err_msg=name)
    cv2.imwrite(str(tmp_path / 'rgb16.png'), np.full((4, 5, 3), (0, 0, 65535), np.uint16))
    assert read_picture(tmp_path / 'rgb16.png')[2, 2].tolist() == list(RED)
    cv2.imwrite(str(tmp_path / 'grey16.pgm'), np.full((4, 5), 100 * 257, np.uint16))
    assert read_picture(tmp_path / 'grey16.pgm')[2, 2].tolist() == [100] * 3


def test_long_pictures_work_and_enormous_ones_are_refused_unread(tmp_path):
    Image.new('L', (30_000, 8)).save(tmp_path / 'long.png')
    assert read_picture(tmp_path / 'long.png').shape == (8, 30_000, 3)
    for size in ((33_000, 8), (30_000, 30_000), (10_001, 10_000)):
        Image.new('1', size).save(tmp_path / 'huge.png')
        with warnings.catch_warnings(), pytest.raises(ValueError, match='huge.png: .*million'):
            warnings.simplefilter('error')
            read_picture(tmp_path / 'huge.png')


def test_broken_files_are_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    for name in ('cut.jpg', 'cut.png', 'cut.webp'):
        Image.fromarray(noise).save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:len(whole) // 2])
        with pytest.raises(ValueError, match=f'{name}: broken'):
            read_picture(tmp_path / name)
    for name, content in (('text.jpg', b'no picture'), ('empty.png', b''),
                          ('phone.heic', b'\0\0\0\x18ftypheic')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=fr'{name}: not a picture that .*\(JPEG, PNG, '):
            read_picture(tmp_path / name)
    with pytest.raises(FileNotFoundError, match='none.jpg'):
        read_picture(tmp_path / 'none.jpg')
    Image.fromarray(np.ones((4, 5), np.float32)).save(tmp_path / 'float.tif')
    with pytest.raises(ValueError, match='float.tif: pixels of 32 bits'):
        read_picture(tmp_path / 'float.tif')


@pytest.mark.parametrize('image, reason', [
    (np.zeros((0, 9, 3), np.uint8), '9x0, a picture without pixels'),
    (np.zeros((9, 0, 3), np.uint8), '0x9, a picture without pixels'),
    (np.zeros((9, 9), np.uint8), r'must be \(H, W, 3\) uint8'),
    (np.zeros((9, 9, 4), np.uint8), r'must be \(H, W, 3\) uint8'),
    (np.zeros((9, 9, 3)), r'must be \(H, W, 3\) uint8'),
    (np.zeros((1, 33_000, 3), np.uint8), 'too many'),
])
def test_arrays_that_are_no_picture_are_refused(image, reason):
    with pytest.raises(ValueError, match=reason):
        check_image(image)
