"""COCO's image ids of files, by their names."""
import json
from collections import defaultdict
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path, PurePath


class ImageIds:
    """Find the image id of a file.

    A file has the id of the entry that has the same name and, where several do, the most folders
    in front of it in common; of those that have as many, the one without further folders.

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
        fits = [_fit(parts, other) for other, _ in known]
        found = {image_id for (_, image_id), fit in zip(known, fits, strict=True)
                 if fit == max(fits)}
        if len(found) != 1:
            raise ValueError(f'{source}: ' + (
                f'{len(known)} images have this name, and its folders do not tell which it is'
                if found else 'has no image id'))
        return found.pop()


def _fit(parts: tuple[str, ...], name: tuple[str, ...]) -> tuple[int, bool]:
    """Return how many parts of a path are also a name's, from the file on, and if these are all.
    """
    count = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(parts, name)))
    return count, count == len(name)


def read_image_ids(path: str | Path) -> dict[str, int]:
    """Return file name -> image id of a COCO annotation file.

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
    return ids
