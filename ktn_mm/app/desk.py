"""What the page does, without the page: open a picture, estimate, write files."""
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..apis import DensePoseInferencer, read_picture
from ..apis.boxes import parse_boxes
from ..forms import encode
from ..forms.saving import encode_picture
from ..structures import DensePoseResult
from ..surface.charts import SURFACES
from .scratch import Scratch
from .views import make_views, shrink_picture

MAX_BYTES = 20 * 2**20
"""Of an uploaded file."""
MAX_PIXELS = 25_000_000
"""Of an uploaded picture: 4 pictures of that size fit in 0.3 GB."""
MAX_BOXES = 30
"""Own boxes of one picture."""

DETECTOR, WHOLE, OWN = 'detector', 'whole', 'own'
"""Ways to say where the people are."""


class DeskError(ValueError):
    """Something that the visitor of the page can mend; the message says what."""


class Opened(NamedTuple):
    """A picture that can be read.

    Attributes:
        path: of the file.
        name: as its owner knows it.
        size: (width, height), upright.
        preview: the JPEG file that shows it.
    """

    path: str
    name: str
    size: tuple[int, int]
    preview: str


class Estimate(NamedTuple):
    """The files of a result and what there is to say about it.

    Attributes:
        summary: one line.
        views: title -> file of a picture; all of one size.
        values: file of the bytes I, U * 255, V * 255 of every pixel of a view, row by row.
        view_size: (w, h) of the views.
        image_size: (width, height) of the picture.
        downloads: form -> file, named as ``ktn-mm infer`` names it.
    """

    summary: str
    views: dict[str, str]
    values: str
    view_size: tuple[int, int]
    image_size: tuple[int, int]
    downloads: dict[str, str]


class Desk:
    """Serve pictures, one at a time.

    Args:
        inferencer: with or without a detector.
        scratch: where files are written.
        det_thr: the detector's least score, for the message that it saw nobody.
    """

    def __init__(self, inferencer: DensePoseInferencer, scratch: Scratch,
                 det_thr: float = 0.3) -> None:
        self.inferencer, self.scratch, self.det_thr = inferencer, scratch, det_thr

    def ways(self) -> list[str]:
        """Return how people can be found, the default first."""
        return [DETECTOR] * (self.inferencer.detector is not None) + [WHOLE, OWN]

    def open(self, path: str) -> Opened:
        """Read an uploaded picture once, to know that it can be read, and show it.

        Raises:
            DeskError: if it cannot be used.
        """
        image = _read(path)
        preview = self.scratch.new_folder() / 'preview.jpg'
        preview.write_bytes(encode_picture(shrink_picture(image)[..., ::-1], '.jpg'))
        return Opened(path, Path(path).name, image.shape[1::-1], str(preview))

    def estimate(self, opened: Opened, way: str, boxes: str = '') -> Estimate:
        """Estimate the dense pose of the people in a picture.

        Args:
            opened: the picture.
            way: one of :meth:`ways`.
            boxes: ``'x1,y1,x2,y2;...'`` in pixels, if the way is :data:`OWN`.

        Raises:
            DeskError: if the picture is gone, the boxes cannot be used, or nobody is found.
        """
        people = self._people(way, boxes)
        image = _read(opened.path)
        start = time.monotonic()
        try:
            result = next(iter(self.inferencer(image, **people)))
        except (ValueError, MemoryError) as error:
            raise DeskError(str(error).removeprefix('array 0: ')) from error
        seconds = time.monotonic() - start
        if not len(result):
            raise DeskError(f'No person found: the detector saw nobody with a score of at least '
                            f'{self.det_thr:g}. Draw a box around everybody, or take the whole '
                            'picture.')
        iuv = result.to_image()
        if not iuv[..., 0].any():
            raise DeskError('No person found: the network saw no surface of a body in the '
                            f'{_count(len(result), "box", "boxes")}.')
        return self._write(result, iuv, Path(opened.name).stem, seconds)

    def _people(self, way: str, boxes: str) -> dict:
        if way not in self.ways():
            raise DeskError(f'Say where the people are: one of {", ".join(self.ways())}.')
        if way != OWN:
            return dict(whole_image=True) if way == WHOLE else {}
        try:
            rows = parse_boxes(boxes)
        except ValueError as error:
            raise DeskError(str(error)) from error
        if not rows:
            raise DeskError('Draw a box around every person in the picture, or type '
                            'x1,y1,x2,y2 in pixels; then press Estimate.')
        if len(rows) > MAX_BOXES:
            raise DeskError(f'{len(rows)} boxes are too many: at most {MAX_BOXES}.')
        return dict(bboxes=rows)

    def _write(self, result: DensePoseResult, iuv: np.ndarray, stem: str,
               seconds: float) -> Estimate:
        folder = self.scratch.new_folder()

        def write(name: str, content: bytes) -> str:
            path = folder / name
            path.write_bytes(content)
            return str(path)

        views = make_views(result, iuv)
        pictures = {title: write(f'view_{title}{suffix}', encode_picture(picture, suffix))
                    for title, picture, suffix in (
                        ('Surfaces', views.surfaces, '.png'), ('U', views.u, '.png'),
                        ('V', views.v, '.png'), ('Overlay', views.overlay, '.jpg'))}
        downloads = {'iuv': write(f'{stem}_iuv.png', encode(result, 'iuv', iuv=iuv)),
                     'npz': write(f'{stem}.npz', encode(result, 'npz'))}
        seen = len(np.unique(iuv[..., 0][iuv[..., 0] > 0]))
        return Estimate(
            f'{_count(len(result), "person", "people")}, {seen} of {len(SURFACES)} surfaces, '
            f'{seconds:.1f} s', pictures, write('values.bin', views.iuv.tobytes()),
            views.iuv.shape[1::-1], result.image_size, downloads)


def _read(path: str) -> np.ndarray:
    name = Path(path).name
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise DeskError(f'{name}: at most {MAX_BYTES // 2**20} MB')
        return read_picture(path, max_pixels=MAX_PIXELS)
    except FileNotFoundError:
        raise DeskError(f'{name} is no longer here: pictures go after an hour. Drop it '
                        'again.') from None
    except DeskError:
        raise
    except ValueError as error:
        raise DeskError(str(error).replace(path, name)) from error


def _count(number: int, one: str, many: str) -> str:
    return f'{number} {one if number == 1 else many}'
