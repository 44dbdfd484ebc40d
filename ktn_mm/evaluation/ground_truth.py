"""The annotation file as the metric reads it."""
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ktn_mm.evaluation.annotation_layout import check_layout
from ktn_mm.evaluation.gps import point_positions
from ktn_mm.evaluation.ignore_regions import keeps_box, region_mask
from ktn_mm.evaluation.rules import Compat, rules_of
from ktn_mm.surface.charts import NUM_SURFACES

POINT_KEYS = ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V')


class Image(NamedTuple):
    """Size of a picture and the polygons in it that nobody annotated.

    Attributes:
        id: ``id`` of the picture.
        height, width: in pixels.
        regions: polygons as flat lists x1, y1, x2, y2, ...; PoseTrack's ignore regions.
    """

    id: int
    height: int
    width: int
    regions: tuple = ()


class Person(NamedTuple):
    """One annotated person.

    Attributes:
        id: ``id`` of the annotation.
        box: (4,) float64 x, y, w, h.
        area: of the segmentation, in pixels.
        crowd: ``iscrowd``.
        annotated: whether the annotation has ``dp_x``; the others are ignored, not missed.
        points: (P, 2) float64 ``dp_x``, ``dp_y`` in the box frame.
        surfaces: (P,) int64 1..24; points of any other number are left out.
        uv: (P, 2) float64 in [0, 1].
        dp_masks: the part masks of the box frame, or None.
        segmentation: polygons, RLE or None.
    """

    id: int
    box: np.ndarray
    area: float
    crowd: bool
    annotated: bool
    points: np.ndarray
    surfaces: np.ndarray
    uv: np.ndarray
    dp_masks: Any
    segmentation: Any


class ImagePoints(NamedTuple):
    """The annotated points of all persons of an image, one person after another.

    Attributes:
        positions: (P, 2) float64 x, y in the image.
        surfaces: (P,) int64 1..24.
        uv: (P, 2) float64 in [0, 1].
        counts: (G,) int64 points of each person.
    """

    positions: np.ndarray
    surfaces: np.ndarray
    uv: np.ndarray
    counts: np.ndarray


class GroundTruth:
    """All persons of an annotation file, by image.

    Args:
        data: the parsed file: ``images``, ``annotations`` and perhaps ``categories``. Only
            persons are read: the category of that name, else the first one.
        source: name of the file for messages.
        compat: ``'detectron2'`` for the protocol that published figures follow, None for a clean
            one; :mod:`ktn_mm.evaluation.rules` has the table of what differs.

    Attributes:
        images: image id -> :class:`Image`, in ascending order.
        persons: image id -> list of :class:`Person`, for every image.
        rules: the protocol.
        duplicate_ids: annotation ids that occur more than once.
        digest: hash of the file, None if the content does not come from one.

    Raises:
        ValueError: if a field is missing or malformed, or no annotation has ``dp_x``.
    """

    def __init__(self, data: Mapping, source: str = 'annotations', *,
                 compat: Compat = 'detectron2') -> None:
        check_layout(data, source)
        self.source = source
        self.digest = None
        self.compat = compat
        self.rules = rules_of(compat)
        self.category_id = person_category(data.get('categories', ()))
        self.images = {i['id']: _read_image(i, source)
                       for i in sorted(data['images'], key=lambda i: i['id'])}
        annotations = [a for a in data['annotations']
                       if a.get('category_id', self.category_id) == self.category_id]
        if not any('dp_x' in a for a in annotations):
            raise ValueError(f'{source}: none of {len(annotations)} persons has dp_x; '
                             'this is no DensePose annotation')
        counts = Counter(_field(a, 'id', source) for a in annotations)
        self.duplicate_ids = tuple(sorted(i for i, n in counts.items() if n > 1))
        self.persons = self._read_persons(annotations)
        self._points = {i: _gather_points(persons, self.rules.point_frame)
                        for i, persons in self.persons.items()}

    @classmethod
    def load(cls, path: str | Path, *, compat: Compat = 'detectron2') -> 'GroundTruth':
        """Read an annotation file.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no JSON or its content is malformed.
        """
        try:
            content = Path(path).read_bytes()
        except FileNotFoundError as error:
            raise FileNotFoundError(f'annotation file {path} does not exist') from error
        try:
            data = json.loads(content)
        except ValueError as error:
            raise ValueError(f'annotation file {path} is no JSON: {error}') from error
        ground_truth = cls(data, str(path), compat=compat)
        ground_truth.digest = hashlib.sha256(content).hexdigest()
        return ground_truth

    def points(self, image_id: int) -> ImagePoints:
        """Return the points of all persons of an image."""
        return self._points[image_id]

    def _read_persons(self, annotations: list[Mapping]) -> dict[int, list[Person]]:
        slots = defaultdict(list)
        for annotation in annotations:
            slots[_field(annotation, 'image_id', self.source)].append(annotation)
        unknown = sorted(set(slots) - set(self.images))
        if unknown:
            raise ValueError(f'{self.source}: annotation {slots[unknown[0]][0]["id"]}: '
                             f'image_id {unknown[0]} is not among the images')
        last = {a['id']: a for a in annotations}
        persons = {i: [] for i in self.images}
        for image_id in self.images:
            for annotation in slots[image_id]:
                if self.rules.merges_ids:
                    annotation = last[annotation['id']]
                persons[annotation['image_id']].append(read_person(annotation, self.source))
        for image_id, image in self.images.items():
            if image.regions:
                region = region_mask(image)
                persons[image_id] = [
                    p for p in persons[image_id]
                    if keeps_box(region, p.box, drops_empty=self.rules.drops_empty_boxes)]
        return persons


def person_category(categories: Iterable[Mapping]) -> int:
    """Return the id of the category named person, else of the first one, else 1."""
    categories = list(categories)
    named = [c['id'] for c in categories if c.get('name') == 'person']
    return (named or [c['id'] for c in categories] or [1])[0]


def read_person(annotation: Mapping, source: str = 'annotations') -> Person:
    """Read one annotation.

    Raises:
        ValueError: naming the file, the annotation and the field that is malformed.
    """
    name = f'{source}: annotation {_field(annotation, "id", source)}'
    box = _numbers(annotation, 'bbox', name)
    if box.shape != (4,) or (box[2:] < 0).any():
        raise ValueError(f'{name}: bbox must be x, y, w, h, got {annotation["bbox"]}')
    annotated = 'dp_x' in annotation
    columns = [_numbers(annotation, k, name) for k in POINT_KEYS] if annotated else \
        [np.zeros(0)] * len(POINT_KEYS)
    for key, column in zip(POINT_KEYS, columns, strict=True):
        if column.shape != columns[0].shape or column.ndim != 1:
            raise ValueError(f'{name}: {key} has shape {column.shape}, '
                             f'dp_x has {columns[0].shape}')
    table = np.stack(columns, -1)
    surface = table[:, 2]
    table = table[(surface == surface.astype(np.int64)) & (surface >= 1)
                  & (surface <= NUM_SURFACES)]
    return Person(
        id=annotation['id'], box=box, area=float(_numbers(annotation, 'area', name)[0]),
        crowd=bool(annotation.get('iscrowd', 0)), annotated=annotated,
        points=table[:, :2], surfaces=table[:, 2].astype(np.int64), uv=table[:, 3:],
        dp_masks=annotation.get('dp_masks'), segmentation=annotation.get('segmentation'))


def _gather_points(persons: list[Person], frame: float) -> ImagePoints:
    return ImagePoints(
        np.concatenate([np.zeros((0, 2)),
                        *(point_positions(p.points, p.box, frame) for p in persons)]),
        np.concatenate([np.zeros(0, np.int64), *(p.surfaces for p in persons)]),
        np.concatenate([np.zeros((0, 2)), *(p.uv for p in persons)]),
        np.array([len(p.points) for p in persons], np.int64))


def _read_image(image: Mapping, source: str) -> Image:
    for key in ('height', 'width'):
        if not image.get(key):
            raise ValueError(f'{source}: image {image["id"]} has no {key}')
    xs, ys = (image.get(f'ignore_regions_{k}') or () for k in 'xy')
    regions = tuple(np.stack([x, y], -1).ravel().tolist() for x, y in zip(xs, ys, strict=True))
    return Image(image['id'], int(image['height']), int(image['width']), regions)


def _field(annotation: Mapping, key: str, source: str) -> Any:
    if key not in annotation:
        raise ValueError(f'{source}: annotation {annotation.get("id", "without id")} '
                         f'has no {key}')
    return annotation[key]


def _numbers(annotation: Mapping, key: str, name: str) -> np.ndarray:
    """Return a field as a float64 vector; a bare number is a vector of one."""
    if key not in annotation:
        raise ValueError(f'{name} has no {key}')
    try:
        values = np.atleast_1d(np.asarray(annotation[key], np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(f'{name}: {key} must be numbers, got {annotation[key]!r}') from error
    if not np.isfinite(values).all():
        raise ValueError(f'{name}: {key} holds a number that is not finite')
    return values
