"""Load the picture and the masks of a person."""
import logging

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log
from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS
from pycocotools import mask as rle_tools

from ktn_mm.codecs.sampling import BODY_UNKNOWN
from ktn_mm.structures.dense_annotation import check_policy
from ktn_mm.structures.rle import compress


def decode_part_masks(masks: list | dict) -> np.ndarray:
    """Decode ``dp_masks``.

    Args:
        masks: 14 RLEs or empty entries, or one RLE of the whole body.

    Returns:
        (h, w) uint8: 0 background, 1..14 part, the later one where two overlap; of a single RLE
        255 inside the body.

    Raises:
        ValueError: if an RLE cannot be decoded; names the entry.
    """
    if isinstance(masks, dict):
        return _decode([('dp_masks', masks)])[..., 0] * np.uint8(BODY_UNKNOWN)
    entries = [(i, mask) for i, mask in enumerate(masks) if mask]
    decoded = _decode([(f'dp_masks[{i}]', mask) for i, mask in entries])
    labels = np.array([i + 1 for i, _ in entries], np.uint8)
    return (decoded * labels).max(-1)


def decode_segmentation(segmentation: list | dict, height: int, width: int) -> np.ndarray:
    """Draw a COCO segmentation, polygons or RLE.

    Returns:
        (height, width) uint8 of 0 and 1.

    Raises:
        ValueError: if it is neither, or of another size.
    """
    name = 'segmentation'
    if isinstance(segmentation, dict):
        if list(segmentation.get('size', ())) != [height, width]:
            raise ValueError(f'{name}.size = {segmentation.get("size")} is not the size of the '
                             f'image, {[height, width]}')
        return _decode([(name, segmentation)])[..., 0]
    for index, polygon in enumerate(segmentation):
        try:
            ok = (len(polygon) >= 6 and len(polygon) % 2 == 0
                  and np.isfinite(np.asarray(polygon, np.float64)).all())
        except (TypeError, ValueError):
            ok = False
        if not ok:
            raise ValueError(f'{name}[{index}] is no polygon of at least three points')
    return rle_tools.decode(rle_tools.merge(rle_tools.frPyObjects(segmentation, height, width)))


def _decode(named: list[tuple[str, dict]]) -> np.ndarray:
    """Decode RLEs of one size into (h, w, n) uint8; on failure find out which one."""
    try:
        return rle_tools.decode([compress(mask) for _, mask in named])
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        if len(named) > 1:
            for item in named:
                _decode([item])
        raise ValueError(f'{named[0][0]}: RLE cannot be decoded ({error})') from error


def describe(results: dict) -> str:
    """Name a sample for a message: annotation file and id."""
    source = results.get('ann_file')
    return f'{source}: annotation {results.get("id")}' if source else (
        f'annotation {results.get("id")}')


class _Complaints:
    """Count what a transform skips; log the 1st, 10th, 100th ... of this process."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, message: str) -> None:
        self.count += 1
        if self.count == 10 ** (len(str(self.count)) - 1):
            print_log(f'{message} [skipped; number {self.count} in this process]',
                      logger='current', level=logging.WARNING)


@TRANSFORMS.register_module()
class LoadPersonImage(LoadImage):
    """Load a picture; say which annotation asks for it when that fails.

    Also compares the picture's size with the annotation's: a picture that was resized, or
    annotated as its EXIF flag turns it, does not fit its points. EXIF flags are ignored, as they
    were when COCO was annotated. A flag that keeps the size, which mirrors, turns by 180 degrees,
    or turns a square picture, is not noticed.

    Args:
        on_bad: 'error' raises; 'skip' counts and lets the dataset draw another sample (not when
            testing, where mmengine insists on every sample).
        color_type: as of mmcv's ``LoadImageFromFile``.
        **kwargs: as of mmpose's ``LoadImage``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no picture or has another size than annotated.
    """

    def __init__(self, on_bad: str = 'error', color_type: str = 'color_ignore_orientation',
                 **kwargs) -> None:
        super().__init__(color_type=color_type, **kwargs)
        self.on_bad = check_policy('LoadPersonImage', on_bad)
        self.complaints = _Complaints()

    def transform(self, results: dict) -> dict | None:
        expected = results.get('img_shape')
        if 'img' in results:
            return super().transform(results)
        where = f'image {results.get("img_path")!r}'
        if 'id' in results:
            where += f' of {describe(results)}'
        try:
            loaded = self._load(results, where)
            size = tuple(loaded['img_shape'])
            if expected is not None and size != tuple(expected):
                turned = size == tuple(expected)[::-1]
                raise ValueError(f'{where}: height and width are {size}, annotated are '
                                 f'{tuple(expected)}' + (
                    '; an EXIF flag may turn it, which is ignored here: store the picture '
                    'upright, without the flag' if turned else ''))
        except (FileNotFoundError, ValueError) as error:
            if self.on_bad == 'error':
                raise
            self.complaints.add(str(error))
            return None
        return loaded

    def _load(self, results: dict, where: str) -> dict:
        try:
            # LoadImage itself wraps errors in a way that loses the annotation.
            loaded = super(LoadImage, self).transform(results)
        except FileNotFoundError as error:
            raise FileNotFoundError(f'{where} does not exist') from error
        except Exception as error:
            # mmcv and its decoders raise anything from AssertionError to cv2.error.
            raise ValueError(f'{where} cannot be read ({type(error).__name__})') from error
        if loaded is None:
            raise ValueError(f'{where} cannot be read')
        return loaded


@TRANSFORMS.register_module()
class LoadDenseMasks(BaseTransform):
    """Decode the part masks of a person or, where there are none, its outline.

    Required Keys: dp_masks, segmentation, img_shape

    Removed Keys: dp_masks

    Added Keys:

    - dp_parts: (256, 256) uint8 in the frame of ``dp_box``: 0..14, or 255 for body of which the
      part is unknown; None without ``dp_masks``
    - person_mask: (img_h, img_w) uint8 of 0 and 1; None if there is no segmentation, or no need
      for it

    Args:
        on_bad: 'skip' treats masks that cannot be decoded as missing, and counts them; 'error'
            raises a ValueError that names the annotation and the entry.
    """

    def __init__(self, on_bad: str = 'skip') -> None:
        self.on_bad = check_policy('LoadDenseMasks', on_bad)
        self.complaints = _Complaints()

    def transform(self, results: dict) -> dict:
        masks = results.pop('dp_masks', None)
        segmentation = results.get('segmentation')
        results['dp_parts'] = self._try(results, decode_part_masks, masks) if masks else None
        results['person_mask'] = None
        if results['dp_parts'] is None and segmentation:
            results['person_mask'] = self._try(
                results, decode_segmentation, segmentation, *results['img_shape'][:2])
        return results

    def _try(self, results: dict, decode, *args) -> np.ndarray | None:
        try:
            return decode(*args)
        except ValueError as error:
            message = f'{describe(results)}: {error}'
            if self.on_bad == 'error':
                raise ValueError(message) from error
            self.complaints.add(message)
            return None

    def __repr__(self) -> str:
        return f'{type(self).__name__}(on_bad={self.on_bad!r})'
