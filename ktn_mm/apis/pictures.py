"""Read pictures of all kinds into one kind of array."""
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.jfif', '.png', '.bmp', '.webp', '.tif', '.tiff', '.gif',
                    '.ppm', '.pgm')
PICTURE_FORMATS = ('JPEG', 'PNG', 'BMP', 'WEBP', 'TIFF', 'GIF', 'PPM')
MAX_PIXELS = 100_000_000
"""A picture with more is refused before it is decoded: its colours alone take 0.3 GB."""
MAX_SIDE = 32_766
"""OpenCV cuts crops out of nothing larger."""


class PictureError(ValueError):
    """A picture cannot be used; the message names it."""


def check_image(image: np.ndarray, name: str = 'image') -> np.ndarray:
    """Return an image that a crop can be cut out of.

    Args:
        image: what may be one.
        name: for messages.

    Raises:
        PictureError: if it is not (H, W, 3) uint8, has no pixel, or is too large.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 \
            or image.dtype != np.uint8:
        got = f'{image.shape} {image.dtype}' if isinstance(image, np.ndarray) else type(image)
        raise PictureError(f'{name}: must be (H, W, 3) uint8 in BGR order, got {got}')
    _check_size((image.shape[1], image.shape[0]), name)
    return image


def _check_size(size: tuple[int, int], name: str | Path, max_pixels: int = MAX_PIXELS) -> None:
    width, height = size
    if min(size) < 1:
        raise PictureError(f'{name}: {width}x{height}, a picture without pixels')
    if max(size) > MAX_SIDE or width * height > max_pixels:
        raise PictureError(f'{name}: {width}x{height} pixels are too many: at most {MAX_SIDE} a '
                         f'side and {max_pixels // 10**6} million together')


def read_picture(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read a picture as (H, W, 3) uint8 BGR, turned as its EXIF flag says.

    Grey becomes three equal channels, CMYK and palettes become RGB, 16 bits become 8, what is
    transparent becomes white; of an animation the first frame is read.

    Args:
        path: of the file.
        max_pixels: a picture with more is refused before it is decoded.

    Raises:
        FileNotFoundError: if there is no such file.
        PictureError: if it is not a picture, is broken or cut off, or is too large.
    """
    with _opened(path, max_pixels) as picture:
        wide = picture.mode.startswith('I;16') or (picture.mode, picture.format) == ('I', 'PPM')
        upright = ImageOps.exif_transpose(picture)
        return _narrowed(upright) if wide else _to_bgr(upright, path)


@contextmanager
def _opened(path: str | Path, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open a picture, undecoded; whatever fails with it says so by one kind of error."""
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: no such file')
    try:
        with warnings.catch_warnings():
            # Broken metadata is no reason to warn, and large pictures are refused here.
            warnings.simplefilter('ignore')
            with Image.open(path, formats=PICTURE_FORMATS) as picture:
                _check_size(picture.size, path, max_pixels)
                yield picture
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f'{path}: not a picture that can be read '
                           f'({", ".join(PICTURE_FORMATS)})') from None
    except Image.DecompressionBombError:
        raise PictureError(f'{path}: more than {max_pixels // 10**6} million pixels') from None
    except Exception as error:  # decoders raise whatever they stumble over
        raise PictureError(f'{path}: broken: {error or type(error).__name__}') from error


def stored_size(path: str | Path) -> tuple[tuple[int, int], bool]:
    """Return (width, height) of a picture as stored, and whether its EXIF flag turns it.

    Nothing is decoded.

    Raises:
        FileNotFoundError, PictureError: as :func:`read_picture`, but for what is cut off.
    """
    with _opened(path) as picture:
        return picture.size, picture.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)


def _narrowed(picture: Image.Image) -> np.ndarray:
    """Return grey pixels of 16 bits as BGR ones of 8."""
    grey = np.rint(np.asarray(picture).astype(np.float32) / 257).astype(np.uint8)
    return np.repeat(grey[..., None], 3, 2)


def _to_bgr(picture: Image.Image, path: str | Path) -> np.ndarray:
    if picture.mode in ('I', 'F'):
        raise PictureError(f'{path}: pixels of 32 bits, of which nobody knows the range')
    if picture.has_transparency_data:
        picture = picture.convert('RGBA')
        paper = Image.new('RGBA', picture.size, 'white')
        picture = Image.alpha_composite(paper, picture)
    return np.ascontiguousarray(np.asarray(picture.convert('RGB'))[..., ::-1])
