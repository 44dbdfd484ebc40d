"""Bodies and data sets small enough to reason about."""
import numpy as np
from pycocotools import mask as mask_utils

from ktn_mm.surface.charts import NUM_SURFACES, SURFACE_TWIN


class TinyBody:
    """Two to four chart vertices a surface, folded onto 40 vertices at random distances."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        counts = rng.integers(2, 5, NUM_SURFACES)
        self.surface = np.repeat(np.arange(1, NUM_SURFACES + 1), counts)
        self.uv = rng.random((len(self.surface), 2))
        self.vertex = rng.integers(0, 40, len(self.surface))
        self.num_vertices = 40
        table = rng.gamma(1., 0.15, (40, 40))
        self.table = (table + table.T) / 2
        np.fill_diagonal(self.table, 0)

    def nearest_vertex(self, surface, uv):
        found = np.full(len(surface), -1, np.int64)
        for n in range(len(surface)):
            chart = np.flatnonzero(self.surface == surface[n])
            if len(chart):
                gaps = np.hypot(*(self.uv[chart] - uv[n]).T)
                found[n] = self.vertex[chart[gaps.argmin()]]
        return found

    def distance(self, a, b):
        a, b = np.broadcast_arrays(a, b)
        return np.where((a < 0) | (b < 0), np.inf, self.table[a, b])


class FlatBody:
    """Every surface a patch of 0.3 m x 0.4 m with 31 x 31 vertices, a metre from the next."""

    side = 31
    num_vertices = NUM_SURFACES * side ** 2

    def nearest_vertex(self, surface, uv):
        cells = np.rint(np.clip(uv, 0, 1) * (self.side - 1)).astype(np.int64)
        vertex = (surface - 1) * self.side ** 2 + cells[:, 0] * self.side + cells[:, 1]
        return np.where(surface > 0, vertex, -1)

    def distance(self, a, b):
        a, b = np.broadcast_arrays(a, b)
        place = [np.stack([v % self.side * 0.4 / (self.side - 1),
                           v // self.side % self.side * 0.3 / (self.side - 1),
                           v // self.side ** 2 * 1.], -1) for v in (a, b)]
        metres = np.linalg.norm(place[0] - place[1], axis=-1)
        return np.where((a < 0) | (b < 0), np.inf, metres)


def rle(mask):
    """Encode a mask, with text for JSON."""
    coded = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
    return dict(size=list(coded['size']), counts=coded['counts'].decode('ascii'))


def size_of(box):
    """(h, w) of the picture of a box."""
    return max(int(box[3]), 1), max(int(box[2]), 1)


def random_annotation(rng, image, number):
    """Return an annotation: with or without points, masks, polygons, a crowd or not."""
    w, h = rng.choice([3., 20., 41.7, 100.25], 2)
    box = [float(rng.uniform(-3, image['width'] - 5)), float(rng.uniform(-3, image['height'] - 5)),
           float(w), float(h)]
    annotation = dict(
        id=number, image_id=image['id'], category_id=1, bbox=box, iscrowd=int(rng.random() < .1),
        area=float(rng.choice([500, 1023.9, 1024, 5000, 9216, 9216.1, 20000])))
    kind = rng.random()
    if kind < .8:
        count = int(rng.choice([0, 1, 2, 7], p=[.05, .2, .25, .5]))
        annotation['dp_x'] = rng.uniform(0, 256, count).tolist()
        annotation['dp_y'] = rng.uniform(0, 256, count).tolist()
        annotation['dp_I'] = [float(i) for i in rng.integers(0 if kind < .1 else 1, 25, count)]
        annotation['dp_U'], annotation['dp_V'] = rng.random((2, count)).tolist()
    if kind < .75:
        mask = np.zeros((256, 256), np.uint8)
        mask[rng.integers(0, 100):rng.integers(120, 257), rng.integers(0, 100):] = 1
        annotation['dp_masks'] = [rle(mask), [], rle(mask.T)] + [[]] * 11
    if kind > .7:
        x, y, w, h = box
        annotation['segmentation'] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    return annotation


def random_detection(rng, image, annotations):
    """Return a detection: a person's copy, moved, noisy or empty, or a box anywhere."""
    if annotations and rng.random() < .85:
        source = annotations[rng.integers(len(annotations))]
        box = np.array(source['bbox']) + rng.choice([0., 0., .6, 3.]) * rng.normal(size=4)
    else:
        source = dict(bbox=[0, 0, 1, 1])
        box = np.array([rng.uniform(-60, image['width'] + 20),
                        rng.uniform(-60, image['height'] + 20), *rng.choice([.4, 5, 30, 99], 2)])
    box[2:] = np.abs(box[2:])
    box = [float(v) for v in box]
    picture = np.zeros((3, *size_of(box)), np.uint8)
    if rng.random() < .9:
        picture[:] = rng.integers(0, 256, picture.shape)
        picture[0] = rng.integers(1, 25) * (rng.random(picture.shape[1:]) < rng.choice([.8, 1]))
    truth = rng.choice([1, .9, .6, 0])
    for x, y, i, u, v in zip(*(source.get(f'dp_{k}', ()) for k in 'xyIUV'), strict=True):
        column = int(x * source['bbox'][2] / 255 + source['bbox'][0] - box[0])
        row = int(y * source['bbox'][3] / 255 + source['bbox'][1] - box[1])
        if (0 <= column < picture.shape[2] and 0 <= row < picture.shape[1]
                and rng.random() < truth):
            picture[:, row, column] = i, int(u * 255), int(v * 255)
    return dict(image_id=image['id'], box=box, score=float(rng.choice([.2, .5, .9])),
                picture=picture)


def random_data(seed):
    """Return a data set and detections with every oddity the protocol has a rule for."""
    rng = np.random.default_rng(seed)
    images = [dict(id=int(n), height=130, width=140) for n in rng.permutation(4)[:3]]
    annotations, detections = [], []
    for image in images:
        own = [random_annotation(rng, image, len(annotations) + n)
               for n in range(rng.integers(0, 5))]
        annotations += own
        detections += [random_detection(rng, image, own)
                       for _ in range(rng.choice([0, 1, 5, 23], p=[.2, .3, .4, .1]))]
    if not any('dp_x' in a for a in annotations):
        annotations.append(random_annotation(rng, images[0], 77) | dict(
            dp_x=[9.], dp_y=[9.], dp_I=[2.], dp_U=[.5], dp_V=[.5]))
    if len(annotations) > 2 and rng.random() < .4:
        annotations[rng.integers(len(annotations))]['id'] = annotations[-1]['id']
    if rng.random() < .1:
        annotations.append(annotations[rng.integers(len(annotations))])
    return dict(images=images, annotations=annotations,
                categories=[dict(id=1, name='person')]), detections


BLOCKS = (6, 4)
"""Rows and columns of surfaces that fill the box of a block person."""


def block_picture(size):
    """Paint (3, h, w) uint8: 24 blocks, one a surface, U rising with x and V with y."""
    h, w = size
    y, x = ((np.arange(n) + .5) / n for n in (h, w))
    row, column = np.floor(y * BLOCKS[0]), np.floor(x * BLOCKS[1])
    surface = 1 + row[:, None] * BLOCKS[1] + column
    u = np.broadcast_to(x * BLOCKS[1] - column, size)
    v = np.broadcast_to((y * BLOCKS[0] - row)[:, None], size)
    return np.stack([surface, u * 255, v * 255]).astype(np.uint8)


def block_data(seed=0, count=12, points=60):
    """Return a data set of block persons of many sizes, one or two an image."""
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for n in range(count):
        if n % 2 == 0:
            images.append(dict(id=100 + n, height=300, width=420))
        w, h = round(rng.uniform(50, 190), 2), round(rng.uniform(80, 290), 2)
        box = [round(rng.uniform(0, 205 - w) + 210 * (n % 2), 2),
               round(rng.uniform(0, 299 - h), 2), w, h]
        x, y = rng.uniform(2, 253, (2, points))
        picture = block_picture((255, 255))
        i, u, v = picture[:, y.astype(int), x.astype(int)].astype(float)
        annotations.append(dict(
            id=n + 1, image_id=images[-1]['id'], category_id=1, bbox=box, area=w * h, iscrowd=0,
            dp_x=x.tolist(), dp_y=y.tolist(), dp_I=i.tolist(), dp_U=(u / 255).tolist(),
            dp_V=(v / 255).tolist(), dp_masks=[rle(np.ones((256, 256)))] + [[]] * 13))
    return dict(images=images, annotations=annotations,
                categories=[dict(id=1, name='person')])


def swap_sides(picture):
    """Name every surface of a picture as its twin."""
    swapped = picture.copy()
    swapped[0] = SURFACE_TWIN[picture[0]]
    return swapped
