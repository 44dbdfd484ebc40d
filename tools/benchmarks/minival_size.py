"""Files of the size of DensePose-COCO's minival, made up: what the GPS benchmark runs on.

People are boxes filled with 24 upright blocks, a surface each, U rising to the right and V
downwards. Nothing in them is to be learnt from; only the sizes are real: 1,508 images, 2,243
persons with about 106 points, as many again without dense annotation, 20 detections an image,
29,408 chart vertices of 27,554 vertices and the distances of all their pairs.
"""
import json
from pathlib import Path

import numpy as np
from pycocotools import mask as mask_utils

from ktn_mm.evaluation.challenge_json import to_record
from ktn_mm.surface.charts import NUM_SURFACES
from ktn_mm.surface.densepose_files import ChartFiles
from ktn_mm.surface.densepose_template import write_template

IMAGES, PERSONS = 1508, 2243
DETECTIONS = 20
POINTS = 106
CHART_VERTICES, VERTICES = 29_408, 27_554
COLUMNS, ROWS = 4, 6
"""Blocks side by side and on top of each other."""


def make_template(out: Path, progress=iter) -> Path:
    """Write a template of the official size (1.5 GB): 24 flat charts, a metre from each other.

    Vertices are numbered at random, so that near ones are far apart in the file.
    """
    rng = np.random.default_rng(0)
    surface = np.sort(rng.integers(1, NUM_SURFACES + 1, VERTICES))
    uv = rng.random((VERTICES, 2))
    vertex = rng.permutation(VERTICES)
    places = np.empty((VERTICES, 3), np.float32)
    places[vertex] = np.column_stack([uv * (.3, .4), surface])
    twice = np.sort(np.r_[np.arange(VERTICES),
                          rng.choice(VERTICES, CHART_VERTICES - VERTICES, replace=False)])
    charts = ChartFiles(surface=surface[twice], uv=uv[twice], vertex=vertex[twice],
                        faces=np.zeros((1, 3), np.int64), vertices=places[vertex[twice]],
                        symmetry=None)
    write_template(out, charts, _FlatDistances(places), progress=progress)
    return out


class _FlatDistances:
    """All pairs of places, condensed as the official file; computed as it is sliced."""

    dtype, ndim = np.dtype(np.float32), 1

    def __init__(self, places: np.ndarray) -> None:
        self.places = places
        self.size = len(places) * (len(places) - 1) // 2
        self.shape = (self.size,)

    def __getitem__(self, chunk: slice) -> np.ndarray:
        pair = np.arange(*chunk.indices(self.size))
        high = ((1 + np.sqrt(8. * pair + 1)) / 2).astype(np.int64)
        low = pair - high * (high - 1) // 2
        return np.linalg.norm(self.places[high] - self.places[low], axis=1)


def make_annotations(images: int, persons: int, unannotated: int) -> dict:
    """Return the content of an annotation file of so many images and persons."""
    rng = np.random.default_rng(1)
    pictures = [dict(id=n + 1, file_name=f'{n + 1:012d}.jpg', height=480, width=640)
                for n in range(images)]
    where = np.concatenate([rng.permutation(images)[:min(images, persons)] + 1,
                            rng.integers(1, images + 1, max(persons - images, 0)),
                            rng.integers(1, images + 1, unannotated)])
    masks = _part_masks()
    annotations = []
    for n, image_id in enumerate(where.tolist()):
        box = _random_box(rng)
        annotation = dict(
            id=n + 1, image_id=image_id, category_id=1, bbox=box, iscrowd=0,
            area=round(.6 * box[2] * box[3], 2), segmentation=[_outline(box)])
        if n < persons:
            x, y = rng.uniform(2, 253, (2, POINTS))
            i, u, v = block_picture((256, 256))[:, y.astype(int), x.astype(int)].astype(float)
            annotation.update(
                dp_x=x.round(3).tolist(), dp_y=y.round(3).tolist(), dp_I=i.tolist(),
                dp_U=(u / 255).tolist(), dp_V=(v / 255).tolist(), dp_masks=masks)
        annotations.append(annotation)
    return dict(images=pictures, annotations=annotations,
                categories=[dict(id=1, name='person')])


def make_results(data: dict, detections: int = DETECTIONS, progress=iter) -> list[dict]:
    """Return challenge records, for each image as many: its people, displaced, and others."""
    rng = np.random.default_rng(2)
    people = {}
    for annotation in data['annotations']:
        people.setdefault(annotation['image_id'], []).append(annotation['bbox'])
    records = []
    for image in progress(data['images']):
        boxes = (people.get(image['id'], []) * detections)[:detections]
        boxes += [_random_box(rng) for _ in range(detections - len(boxes))]
        for box in boxes:
            box = np.array(box) + rng.normal(0, 3, 4)
            box[2:] = np.maximum(box[2:], 4)
            h, w = max(int(box[3]), 1), max(int(box[2]), 1)
            records.append(to_record(block_picture((h, w), rim=.1), box,
                                     float(rng.random()), image['id']))
    return records


def block_picture(size: tuple[int, int], rim: float = 0.) -> np.ndarray:
    """Paint (3, h, w) uint8 I, U, V of 24 blocks; a rim of that share stays background."""
    h, w = size
    y, x = ((np.arange(n) + .5) / n for n in (h, w))
    row, column = np.floor(y * ROWS), np.floor(x * COLUMNS)
    surface = 1 + row[:, None] * COLUMNS + column
    body = (np.hypot((y - .5)[:, None], x - .5) < .7 * (1 - rim))
    u = np.broadcast_to(x * COLUMNS - column, size)
    v = np.broadcast_to((y * ROWS - row)[:, None], size)
    return (np.stack([surface, u * 255, v * 255]) * body).astype(np.uint8)


def _random_box(rng: np.random.Generator) -> list[float]:
    h = float(np.exp(rng.uniform(np.log(50), np.log(460))))
    w = min(h * rng.uniform(.3, .8), 600)
    return [round(v, 2) for v in (rng.uniform(0, 640 - w), rng.uniform(0, 480 - h), w, h)]


def _outline(box: list[float]) -> list[float]:
    x, y, w, h = box
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.stack([x + w / 2 * (1 + np.cos(turn)), y + h / 2 * (1 + np.sin(turn))], -1)
    return points.round(2).ravel().tolist()


def _part_masks() -> list:
    """Return 14 masks in the frame of 256: an ellipse cut into 14 strips."""
    grid = (np.arange(256) - 127.5) / 128
    ellipse = np.hypot(grid[:, None] * 1.02, grid) < 1
    masks = []
    for part in range(14):
        strip = np.zeros((256, 256), np.uint8)
        rows = slice(256 * part // 14, 256 * (part + 1) // 14)
        strip[rows] = ellipse[rows]
        rle = mask_utils.encode(np.asfortranarray(strip))
        masks.append(dict(size=[256, 256], counts=rle['counts'].decode('ascii')))
    return masks


def write_all(folder: Path, images: int = IMAGES, *, with_template: bool = True,
              progress=lambda items, what: items) -> None:
    """Write ``gt.json``, ``results.json`` and ``template.npz`` with its distances, once.

    Args:
        folder: where to.
        images: how many; persons in proportion.
        with_template: whether the 1.5 GB of a template are wanted.
        progress: wraps what takes long: (iterable, name) -> iterable.

    Raises:
        ValueError: if the folder holds files of another size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if with_template and not (folder / 'template.npz').exists():
        make_template(folder / 'template.npz', lambda chunks: progress(chunks, 'distances'))
    size = folder / 'size.txt'
    if size.exists() and size.read_text() != str(images):
        raise ValueError(f'{folder} holds files of {size.read_text()} images, not of {images}: '
                         'give another folder')
    if size.exists():
        return
    persons = round(PERSONS * images / IMAGES)
    data = make_annotations(images, persons, persons)
    results = make_results(data, progress=lambda items: progress(items, 'results'))
    (folder / 'gt.json').write_text(json.dumps(data), encoding='utf-8')
    (folder / 'results.json').write_text(json.dumps(results), encoding='utf-8')
    size.write_text(str(images))
