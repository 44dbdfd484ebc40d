"""Whether an annotation file has the lists, ids and images of COCO, before anything reads them."""
import math
from collections.abc import Mapping
from typing import Any

from ktn_mm.structures.dense_annotation import short

LISTS = ('images', 'annotations', 'categories')
FARTHEST = 1e6
"""How far from the corner of its image a polygon may reach; pycocotools walks along its edges."""


def check_layout(data: Any, source: str) -> None:
    """Check that a parsed file is an object of lists of objects with usable ids.

    What an annotation holds beside its ids is left to those who read it.

    Args:
        data: the content of the file, of whatever type.
        source: name of the file for messages.

    Raises:
        ValueError: naming the file, the list, the entry and the field.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f'{source}: must hold an object, got {type(data).__name__}')
    check_images(data.get('images'), source)
    for name in LISTS[1:]:
        if name not in data and name == 'categories':
            continue
        if not isinstance(data.get(name), list):
            raise ValueError(f'{source}: no list {name!r}')
        needed = ('id', 'image_id') if name == 'annotations' else ('id', )
        for number, entry in enumerate(data[name]):
            _check_entry(entry, needed, f'{source}: {name}[{number}]')


def check_images(images: Any, source: str) -> None:
    """Check the list of images: ids of one kind, sizes, ignore regions; see check_layout."""
    if not isinstance(images, list):
        raise ValueError(f"{source}: no list 'images'")
    for number, image in enumerate(images):
        name = f'{source}: images[{number}]'
        _check_entry(image, ('id', ), name)
        name += f', image {image["id"]}'
        for key in ('height', 'width'):
            if not _is_extent(image.get(key)):
                raise ValueError(f'{name}: {key} must be a whole number of pixels, got '
                                 f'{short(image.get(key))}')
        _check_regions(image, name)
    if len({type(image['id']) for image in images}) > 1:
        raise ValueError(f'{source}: some ids of images are numbers, others are text')


def is_polygon_number(value: Any) -> bool:
    """Say whether a value is a number near enough to an image to be a coordinate in it."""
    return (isinstance(value, int | float) and not isinstance(value, bool)
            and math.isfinite(value) and abs(value) <= FARTHEST)


def _check_entry(entry: Any, needed: tuple[str, ...], name: str) -> None:
    if not isinstance(entry, Mapping):
        raise ValueError(f'{name}: must be an object, got {type(entry).__name__}')
    for key in needed:
        if key not in entry:
            raise ValueError(f'{name} has no {key}')
        if isinstance(entry[key], bool) or not isinstance(entry[key], int | str):
            raise ValueError(f'{name}: {key} must be an integer or text, got {entry[key]!r}')


def _is_extent(value: Any) -> bool:
    return is_polygon_number(value) and value >= 1 and value == int(value)


def _check_regions(image: Mapping, name: str) -> None:
    """Check the ignore regions of PoseTrack: a list of x and one of y for each polygon."""
    xs, ys = (image.get(f'ignore_regions_{k}') or [] for k in 'xy')
    for key, polygons in (('ignore_regions_x', xs), ('ignore_regions_y', ys)):
        if not isinstance(polygons, list) or not all(isinstance(p, list) for p in polygons):
            raise ValueError(f'{name}: {key} must be a list of lists, got {short(polygons)}')
        for number, polygon in enumerate(polygons):
            if len(polygon) < 3 or not all(map(is_polygon_number, polygon)):
                raise ValueError(f'{name}: {key}[{number}] must be three or more numbers within '
                                 f'{FARTHEST:g}, got {short(polygon)}')
    if list(map(len, xs)) != list(map(len, ys)):
        raise ValueError(f'{name}: ignore_regions_x and ignore_regions_y differ in length, '
                         f'{list(map(len, xs))} and {list(map(len, ys))}')
