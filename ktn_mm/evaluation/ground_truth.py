"""The annotation file as the metric reads it."""
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ktn_mm.evaluation.annotation_layout import FARTHEST, check_layout, is_polygon_number
from ktn_mm.evaluation.gps import point_positions
from ktn_mm.evaluation.ignore_regions import keeps_box, region_mask
from ktn_mm.evaluation.picture import MAX_PIXELS, picture_size
from ktn_mm.evaluation.rules import Compat, rules_of
from ktn_mm.structures.dense_annotation import (
    POINT_FIELDS,
    AnnotationError,
    check_policy,
    compress_masks,
    read_masks,
    read_point_table,
    require,
    short,
)
from ktn_mm.structures.rle import compress
from ktn_mm.surface.charts import NUM_SURFACES

POINT_LIMIT = 1e6
"""Beyond this a value of a point is nonsense; below it is used, as the reference does."""


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
        uv: (P, 2) float64, as annotated: in [0, 1] if it is right.
        left_out: how many points were left out.
        dp_masks: the part masks of the box frame as compressed RLEs, or None.
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
    left_out: int
    dp_masks: Any
    segmentation: Any


class Fault(NamedTuple):
    """What was left out of the annotation, and why.

    Attributes:
        annotation_id: ``id`` of the annotation.
        loss: what is left out: ``'person'``, ``'dense annotation'`` or ``'segmentation'``.
        reason: the kind of fault.
        detail: the field and its value.
    """

    annotation_id: int
    loss: str
    reason: str
    detail: str


class ImagePoints(NamedTuple):
    """The annotated points of all persons of an image, one person after another.

    Attributes:
        positions: (P, 2) float64 x, y in the image.
        surfaces: (P,) int64 1..24.
        uv: (P, 2) float64, as annotated.
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
        on_bad: what to do about a malformed annotation. ``'error'`` raises. ``'skip'`` takes one
            whose ``dp_*`` are malformed for a person without dense annotation, leaves out one
            without usable box, area or image, and keeps the books in ``skipped``.

    Attributes:
        images: image id -> :class:`Image`, in ascending order.
        persons: image id -> list of :class:`Person`, for every image.
        rules: the protocol.
        duplicate_ids: annotation ids that occur more than once.
        duplicate_images: image ids that occur more than once; the last one counts.
        skipped: a :class:`Fault` for everything that was left out.
        digest: hash of the file, None if the content does not come from one.

    Raises:
        ValueError: if the file has another layout, no annotation has a usable ``dp_x``, or, with
            ``on_bad='error'``, at the first malformed annotation; names file, annotation id, field
            and value.
    """

    def __init__(self, data: Mapping, source: str = 'annotations', *,
                 compat: Compat = 'detectron2', on_bad: str = 'error') -> None:
        check_layout(data, source)
        self.source = source
        self.digest = None
        self.compat = compat
        self.on_bad = check_policy(type(self).__name__, on_bad)
        self.skipped = []
        self.rules = rules_of(compat)
        self.category_id = person_category(data.get('categories', ()))
        self.images = {i['id']: _read_image(i)
                       for i in sorted(data['images'], key=lambda i: i['id'])}
        self.duplicate_images = _repeated(data['images'])
        annotations = [a for a in data['annotations']
                       if a.get('category_id', self.category_id) == self.category_id]
        if data['annotations'] and not annotations:
            found = sorted({str(a.get('category_id')) for a in data['annotations']})
            raise ValueError(f'{source}: no annotation is of category {self.category_id!r}, the '
                             f'person; category_id is {", ".join(found[:5])}')
        if not any(a.get('dp_x') is not None for a in annotations):
            raise ValueError(f'{source}: none of {len(annotations)} persons has dp_x; '
                             'this is no DensePose annotation')
        self.duplicate_ids = _repeated(annotations)
        self.persons = self._read_persons(annotations)
        if self.skipped and not any(p.annotated for people in self.persons.values()
                                    for p in people):
            first = self.skipped[0]
            raise ValueError(f'{source}: no dense annotation can be used; annotation '
                             f'{first.annotation_id}: {first.detail}: {first.reason}')
        self._points = {i: _gather_points(persons, self.rules.point_frame)
                        for i, persons in self.persons.items()}

    @classmethod
    def load(cls, path: str | Path, *, compat: Compat = 'detectron2',
             on_bad: str = 'error') -> 'GroundTruth':
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
        ground_truth = cls(data, str(path), compat=compat, on_bad=on_bad)
        ground_truth.digest = hashlib.sha256(content).hexdigest()
        return ground_truth

    def points(self, image_id: int) -> ImagePoints:
        """Return the points of all persons of an image."""
        return self._points[image_id]

    def _read_persons(self, annotations: list[Mapping]) -> dict[int, list[Person]]:
        slots = defaultdict(list)
        for annotation in annotations:
            if annotation['image_id'] in self.images:
                slots[annotation['image_id']].append(annotation)
            else:
                self._skip(annotation, 'person', AnnotationError(
                    'no such image', f'image_id = {annotation["image_id"]}'))
        last = {a['id']: a for a in annotations if a['image_id'] in self.images}
        read = {}
        persons = {i: [] for i in self.images}
        for image_id in self.images:
            for annotation in slots[image_id]:
                if self.rules.merges_ids:
                    annotation = last[annotation['id']]
                if id(annotation) not in read:
                    read[id(annotation)] = self._read_person(annotation)
                if read[id(annotation)] is not None:
                    persons[annotation['image_id']].append(read[id(annotation)])
        for image_id, image in self.images.items():
            if image.regions:
                region = region_mask(image)
                persons[image_id] = [
                    p for p in persons[image_id]
                    if keeps_box(region, p.box, drops_empty=self.rules.drops_empty_boxes)]
        return persons

    def _read_person(self, annotation: Mapping) -> Person | None:
        """Return what can be used of an annotation; None if nothing can."""
        try:
            bare = person = _read_bare(annotation)
        except AnnotationError as fault:
            self._skip(annotation, 'person', fault)
            return None
        try:
            person = _add_dense(bare, annotation)
        except AnnotationError as fault:
            self._skip(annotation, 'dense annotation', fault)
        if person.dp_masks is not None:
            return person
        image = self.images[annotation['image_id']]
        try:
            check_segmentation(person.segmentation, image.height, image.width)
        except AnnotationError as fault:
            # Without a mask that can be trusted, what was found on the person is no error either.
            self._skip(annotation, 'segmentation', fault)
            return bare._replace(segmentation=None)
        return person

    def _skip(self, annotation: Mapping, loss: str, fault: AnnotationError) -> None:
        """Book a fault, or raise it."""
        if self.on_bad == 'error':
            raise ValueError(f'{self.source}: annotation {annotation["id"]}: {fault}') from fault
        self.skipped.append(Fault(annotation['id'], loss, fault.reason, fault.detail))


def person_category(categories: Iterable[Mapping]) -> int:
    """Return the id of the category named person, else of the first one, else 1."""
    categories = list(categories)
    named = [c['id'] for c in categories if c.get('name') == 'person']
    return (named or [c['id'] for c in categories] or [1])[0]


def read_person(annotation: Mapping) -> Person:
    """Read one annotation.

    Raises:
        AnnotationError: naming the field that is missing or malformed, and its value.
    """
    return _add_dense(_read_bare(annotation), annotation)


def check_segmentation(segmentation: list | dict | None, height: int, width: int) -> None:
    """Check that ``segmentation`` is a mask of an image.

    pycocotools takes four numbers for a box, and stops at such a list with an error.

    Raises:
        AnnotationError: if it is neither polygons nor an RLE, a polygon has too few numbers or
            one that is no place, or an RLE is of another size or cannot be decoded.
    """
    if isinstance(segmentation, Mapping) and segmentation:
        size = segmentation.get('size')
        if not isinstance(size, list | tuple) or list(size) != [height, width]:
            raise AnnotationError(f'RLE is not {height} x {width}, as the image is',
                                  f'segmentation.size = {short(size)}')
        counts = segmentation.get('counts')
        try:
            if not isinstance(counts, str | bytes | list):
                raise TypeError('neither text nor a list')
            compress(segmentation)
        except (TypeError, ValueError, OverflowError) as error:
            raise AnnotationError('RLE cannot be decoded', 'segmentation.counts = '
                                  f'{short(counts)} ({error})') from error
        return
    if segmentation and not isinstance(segmentation, list):
        raise AnnotationError('neither polygons nor an RLE',
                              f'segmentation = {short(segmentation)}')
    for index, polygon in enumerate(segmentation or ()):
        said = f'segmentation[{index}] = {short(polygon)}'
        if not isinstance(polygon, list) or len(polygon) < 6:
            raise AnnotationError('not a polygon of x, y, x, y, x, y, ...', said)
        if not all(map(is_polygon_number, polygon)):
            raise AnnotationError(f'not finite numbers within {FARTHEST:g}', said)


def _read_bare(annotation: Mapping) -> Person:
    """Read a person without the dense annotation."""
    box = _numbers(annotation, 'bbox')
    if box.shape != (4,) or (box[2:] < 0).any():
        raise AnnotationError('not x, y, w, h', f'bbox = {short(annotation["bbox"])}')
    if np.prod(picture_size(box), dtype=float) > MAX_PIXELS:
        raise AnnotationError(f'more than {MAX_PIXELS} pixels',
                              f'bbox = {short(annotation["bbox"])}')
    area = _numbers(annotation, 'area')
    if area.shape != (1,):
        raise AnnotationError('not a number', f'area = {short(annotation["area"])}')
    return Person(
        id=annotation['id'], box=box, area=float(area[0]),
        crowd=bool(annotation.get('iscrowd', 0)), annotated=False, points=np.zeros((0, 2)),
        surfaces=np.zeros(0, np.int64), uv=np.zeros((0, 2)), left_out=0, dp_masks=None,
        segmentation=annotation.get('segmentation'))


def _add_dense(person: Person, annotation: Mapping) -> Person:
    """Return the person with points and masks."""
    table = read_point_table(annotation)
    if table is not None:
        for field, column in zip(POINT_FIELDS, table.T, strict=True):
            require(column, field, f'beyond {POINT_LIMIT:g}', np.abs(column) <= POINT_LIMIT)
        surface = table[:, 2]
        good = (surface == np.trunc(surface)) & (surface >= 1) & (surface <= NUM_SURFACES)
        kept = table[good]
        person = person._replace(
            annotated=True, points=kept[:, :2], surfaces=kept[:, 2].astype(np.int64),
            uv=kept[:, 3:], left_out=len(table) - len(kept))
    masks = annotation.get('dp_masks')
    if masks is not None:
        read_masks(annotation)
        person = person._replace(dp_masks=compress_masks(masks))
    return person


def _gather_points(persons: list[Person], frame: float) -> ImagePoints:
    return ImagePoints(
        np.concatenate([np.zeros((0, 2)),
                        *(point_positions(p.points, p.box, frame) for p in persons)]),
        np.concatenate([np.zeros(0, np.int64), *(p.surfaces for p in persons)]),
        np.concatenate([np.zeros((0, 2)), *(p.uv for p in persons)]),
        np.array([len(p.points) for p in persons], np.int64))


def _read_image(image: Mapping) -> Image:
    xs, ys = (image.get(f'ignore_regions_{k}') or () for k in 'xy')
    regions = tuple(np.stack([x, y], -1).ravel().tolist() for x, y in zip(xs, ys, strict=True))
    return Image(image['id'], int(image['height']), int(image['width']), regions)


def _repeated(entries: Iterable[Mapping]) -> tuple:
    """Return the ids that occur more than once, in ascending order."""
    counts = Counter(entry['id'] for entry in entries)
    return tuple(sorted(i for i, n in counts.items() if n > 1))


def _numbers(annotation: Mapping, key: str) -> np.ndarray:
    """Return a field as a float64 vector; a bare number is a vector of one."""
    if key not in annotation:
        raise AnnotationError('field is missing', key)
    said = f'{key} = {short(annotation[key])}'
    try:
        values = np.atleast_1d(np.asarray(annotation[key], np.float64))
    except (TypeError, ValueError) as error:
        raise AnnotationError('not numbers', said) from error
    if not np.isfinite(values).all():
        raise AnnotationError('not finite', said)
    return values
