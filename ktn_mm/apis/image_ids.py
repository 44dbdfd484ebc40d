"""COCO's image ids of files, by their names."""
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePath


class ImageIds:
    """Find the image id of a file.

    A file has the id of the entry that has the same name and, where several do, the most folders
    in front of it in common.

    Args:
        ids: file name, with or without folders -> image id.
    """

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._named = defaultdict(list)
        for name, image_id in ids.items():
            self._named[PurePath(name).name].append((PurePath(name).parts[::-1], image_id))

    def __getitem__(self, source: str) -> int:
        """Return the image id of a path.

        Raises:
            ValueError: if no entry has its name, or several fit as well.
        """
        parts = Path(source).absolute().parts[::-1]
        known = self._named.get(parts[0], ())
        shared = [_common(parts, other) for other, _ in known]
        found = {image_id for (_, image_id), length in zip(known, shared, strict=True)
                 if length == max(shared)}
        if len(found) != 1:
            raise ValueError(f'{source}: ' + (
                f'{len(known)} images have this name, and its folders do not tell which it is'
                if found else 'has no image id'))
        return found.pop()


def _common(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Return how many entries two tuples share from the start on."""
    count = 0
    for a, b in zip(first, second):
        if a != b:
            break
        count += 1
    return count


def read_image_ids(path: str | Path) -> ImageIds:
    """Return the image ids of a COCO annotation file.

    Raises:
        ValueError: if it is none, or gives one file two ids.
    """
    ids: dict[str, int] = {}
    try:
        for image in json.loads(Path(path).read_text(encoding='utf-8'))['images']:
            name, image_id = str(image['file_name']), int(image['id'])
            if ids.setdefault(name, image_id) != image_id:
                raise ValueError(f'{name} has the ids {ids[name]} and {image_id}')
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path}: not an annotation file with images: {error}') from error
    return ImageIds(ids)
