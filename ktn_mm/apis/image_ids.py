"""COCO's image ids of files, by their names, and what sizes these images have."""
import json
from collections import defaultdict
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path, PurePath

from .pictures import PictureError, stored_size


class ImageIds:
    """Find the image id of a file.

    A file has the id of the entry that has the same name and, where several do, the most folders
    in front of it in common; of those that have as many, the one without further folders.

    Args:
        ids: file name, with or without folders -> image id.
        sizes: image id -> (width, height) that was annotated; need not have all.
    """

    def __init__(self, ids: Mapping[str, int],
                 sizes: Mapping[int, tuple[int, int]] | None = None) -> None:
        self.sizes = dict(sizes or {})
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

    def check_picture(self, source: str) -> None:
        """See whether the pixels of a picture are those that were annotated.

        Results lie in the picture as its EXIF flag turns it, annotation in the one that is
        stored, as COCO's: what is found would be scored in wrong places. A picture that cannot
        be read is left to who reads it, and may go on with the next.

        Raises:
            ValueError: if the picture is turned, or has another size than the annotation says.
        """
        expected = self.sizes.get(self[source])
        try:
            size, turned = stored_size(source)
        except (FileNotFoundError, PictureError):
            return
        if expected is not None and size != expected:
            raise ValueError(f'{source}: has {size[0]}x{size[1]} pixels, but '
                             f'{expected[0]}x{expected[1]} are annotated')
        if turned:
            raise ValueError(f'{source}: its EXIF flag turns it away from its annotation; '
                             'remove the flag')


def _fit(parts: tuple[str, ...], name: tuple[str, ...]) -> tuple[int, bool]:
    """Return how many parts of a path are also a name's, from the file on, and if these are all.
    """
    count = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(parts, name)))
    return count, count == len(name)


def read_image_ids(path: str | Path) -> ImageIds:
    """Return the image ids of a COCO annotation file.

    Raises:
        ValueError: if it is none, or gives one file two ids.
    """
    ids: dict[str, int] = {}
    sizes: dict[int, tuple[int, int]] = {}
    try:
        for image in json.loads(Path(path).read_text(encoding='utf-8'))['images']:
            name, image_id = str(image['file_name']), int(image['id'])
            if ids.setdefault(name, image_id) != image_id:
                raise ValueError(f'{name} has the ids {ids[name]} and {image_id}')
            if 'width' in image and 'height' in image:
                sizes[image_id] = int(image['width']), int(image['height'])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path}: not an annotation file with images: {error}') from error
    return ImageIds(ids, sizes)
