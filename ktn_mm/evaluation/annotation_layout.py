"""Whether an annotation file has the lists and ids of COCO, before anything reads them."""
from collections.abc import Mapping
from typing import Any

LISTS = ('images', 'annotations', 'categories')


def check_layout(data: Any, source: str) -> None:
    """Check that a parsed file is an object of lists of objects with usable ids.

    Args:
        data: the content of the file, of whatever type.
        source: name of the file for messages.

    Raises:
        ValueError: naming the file, the list, the entry and the field.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f'{source}: must hold an object, got {type(data).__name__}')
    for name in LISTS:
        if name not in data and name == 'categories':
            continue
        if not isinstance(data.get(name), list):
            raise ValueError(f'{source}: no list {name!r}')
        needed = ('id', 'image_id') if name == 'annotations' else ('id', )
        for number, entry in enumerate(data[name]):
            _check_entry(entry, needed, f'{source}: {name}[{number}]')
    kinds = {type(image['id']) for image in data['images']}
    if len(kinds) > 1:
        raise ValueError(f'{source}: some ids of images are numbers, others are text')


def _check_entry(entry: Any, needed: tuple[str, ...], name: str) -> None:
    if not isinstance(entry, Mapping):
        raise ValueError(f'{name}: must be an object, got {type(entry).__name__}')
    for key in needed:
        if key not in entry:
            raise ValueError(f'{name} has no {key}')
        if isinstance(entry[key], bool) or not isinstance(entry[key], int | str):
            raise ValueError(f'{name}: {key} must be an integer or text, got {entry[key]!r}')
    for key in ('height', 'width'):
        if key in entry and not (isinstance(entry[key], int | float) and entry[key] > 0):
            raise ValueError(f'{name}: {key} must be a number of pixels, got {entry[key]!r}')
    if isinstance(entry.get('area'), list | dict):
        raise ValueError(f'{name}: area must be a number, got {entry["area"]!r}')
    if not _is_segmentation(entry.get('segmentation')):
        raise ValueError(f'{name}: segmentation must be polygons of x, y or an RLE')


def _is_segmentation(value: Any) -> bool:
    """Say whether pycocotools can take this for a mask; it fails in its own ways otherwise."""
    if isinstance(value, dict):
        counts = value.get('counts')
        return not value or ('size' in value and isinstance(counts, str | bytes | list))
    if isinstance(value, list):
        return all(isinstance(polygon, list) and len(polygon) >= 4
                   and isinstance(polygon[0], int | float) for polygon in value)
    return value is None
