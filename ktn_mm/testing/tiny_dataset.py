"""Paper dolls with a DensePose-COCO annotation.

A doll is made of 15 rectangles in the unit square of its box, one for each surface that shows from
the front; it waves its left hand. Every pixel is painted in the colour of its surface, shaded by U
and V, so that a small network can learn the annotation from the picture.
"""
import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from pycocotools import mask as rle_tools

from ktn_mm.structures.dense_annotation import FRAME
from ktn_mm.surface.charts import KEYPOINTS, NUM_PARTS, NUM_SURFACES, SURFACE_TO_PART

_RIGHT_HALF = {
    # surface: (x1, y1, x2, y2), as fractions of the box; the person's right is on the left.
    23: (.38, .00, .50, .17), 16: (.20, .20, .34, .35), 20: (.08, .22, .20, .34),
    3: (.00, .23, .08, .33), 9: (.35, .52, .49, .72), 13: (.36, .72, .48, .92),
    6: (.30, .92, .47, 1.0)}
_TWINS = {23: 24, 16: 15, 20: 19, 3: 4, 9: 10, 13: 14, 6: 5}
RECTANGLES = {2: (.34, .18, .66, .52), **_RIGHT_HALF,
              **{_TWINS[s]: (1 - x2, y1, 1 - x1, y2) for s, (x1, y1, x2, y2)
                 in _RIGHT_HALF.items()}}
"""Surface -> (x1, y1, x2, y2) in the box."""

# The left arm is raised, or a mirror would change nothing but the colours.
_RAISED = .16
for _surface in (15, 19, 4):
    _x1, _y1, _x2, _y2 = RECTANGLES[_surface]
    RECTANGLES[_surface] = (_x1, _y1 - _RAISED, _x2, _y2 - _RAISED)

_JOINTS = dict(nose=(.5, .09), eye=(.46, .06), ear=(.39, .08), shoulder=(.33, .22),
               elbow=(.20, .28), wrist=(.08, .28), hip=(.42, .52), knee=(.42, .72),
               ankle=(.42, .92))
"""Where the nose and the right joints are in the box."""

KINDS = ('dense', 'plain', 'crowd', 'silhouette')


class TinyDataset(NamedTuple):
    """Paths of a tiny dataset, as strings.

    Attributes:
        data_root: the folder.
        ann_file: the annotation file, whole path.
        img_dir: the folder of the pictures.
        bbox_file: detections: every person's box, shaken a little, and a false one an image.
    """

    data_root: str
    ann_file: str
    img_dir: str
    bbox_file: str


def body_at(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the doll shows at (..., 2) positions in the unit square of its box.

    Returns:
        surface (...) int64, 0 beside the body; uv (..., 2) float64 in [0, 1].
    """
    points = np.asarray(points, np.float64)
    surface = np.zeros(points.shape[:-1], np.int64)
    uv = np.zeros(points.shape)
    for index, (x1, y1, x2, y2) in RECTANGLES.items():
        local = (points - (x1, y1)) / (x2 - x1, y2 - y1)
        inside = ((local >= 0) & (local < 1)).all(-1)
        surface[inside] = index
        uv[inside] = local[inside]
    return surface, uv


def paint(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Paint a doll into a picture (h, w, 3) uint8, in place, at a box (x, y, w, h).

    Returns:
        (h, w) int64 surface at each pixel, 0 elsewhere.
    """
    height, width = image.shape[:2]
    box = np.asarray(box, np.float64)
    x1, y1 = np.floor(box[:2]).astype(int).clip(0, (width, height))
    x2, y2 = np.ceil(box[:2] + box[2:]).astype(int).clip((x1, y1), (width, height))
    window = np.s_[y1:y2, x1:x2]
    surface = np.zeros((height, width), np.int64)
    rows, cols = np.mgrid[y1:y2, x1:x2] + 0.5
    shown, uv = body_at((np.stack([cols, rows], -1) - box[:2]) / box[2:])
    surface[window] = shown
    body, uv = surface > 0, uv[shown > 0]
    image[body] = np.column_stack([255 * shown[shown > 0] / NUM_SURFACES,
                                   60 + 180 * uv]).round().astype(np.uint8)
    return surface


def dense_annotation(rng: np.random.Generator, num_points: int = 60) -> dict:
    """Return the ``dp_*`` fields of a doll, as in the official json files."""
    points, surface, uv, masks = _doll_in_frame()
    chosen = rng.choice(len(points), min(num_points, len(points)), replace=False)
    x, y = points[chosen].T.tolist()
    u, v = uv[chosen].T.tolist()
    return dict(dp_x=x, dp_y=y, dp_I=surface[chosen].astype(float).tolist(), dp_U=u, dp_V=v,
                dp_masks=[dict(mask) if mask else [] for mask in masks])


@lru_cache(maxsize=1)
def _doll_in_frame() -> tuple[np.ndarray, np.ndarray, np.ndarray, list]:
    """Return points (N, 2), surfaces (N,), uv (N, 2) of the body, and the RLEs of its parts."""
    rows, cols = np.mgrid[:FRAME, :FRAME] + 0.5
    grid = np.stack([cols, rows], -1)
    surface, uv = body_at(grid / FRAME)
    part = SURFACE_TO_PART[surface]
    masks = [_rle(part == index) if (part == index).any() else []
             for index in range(1, NUM_PARTS + 1)]
    body = surface > 0
    return grid[body], surface[body], uv[body], masks


def make_tiny_dataset(folder: str | Path, *, num_images: int = 2,
                      kinds: tuple[str, ...] = ('dense', 'plain'), num_points: int = 60,
                      image_size: tuple[int, int] = (240, 200), seed: int = 0) -> TinyDataset:
    """Write pictures, an annotation file and a detection file.

    Args:
        folder: where to; made if missing.
        num_images: number of pictures.
        kinds: the persons of every picture, side by side: 'dense' with all dp_* fields, 'plain'
            without, 'silhouette' with points and one mask of the body, 'crowd' a crowd region.
        num_points: annotated points of a dense person.
        image_size: (w, h) of a picture.
        seed: everything random hangs on it.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ValueError(f'make_tiny_dataset: kinds must be of {KINDS}, got {unknown}')
    rng = np.random.default_rng(seed)
    folder = Path(folder)
    img_dir = folder / 'images'
    img_dir.mkdir(parents=True, exist_ok=True)
    images, annotations, detections = [], [], []
    width, height = image_size
    for img_id in range(1, num_images + 1):
        picture = rng.integers(100, 140, (height, width, 3)).astype(np.uint8)
        name = f'tiny_{img_id:06d}.png'
        images.append(dict(id=img_id, file_name=name, width=width, height=height))
        for slot, kind in enumerate(kinds):
            box = _place(rng, slot, len(kinds), width, height)
            shown = paint(picture, box) > 0
            annotations.append(_person(rng, len(annotations) + 1, img_id, box, shown, kind,
                                       num_points))
            detections.append(_detection(rng, img_id, box, rng.uniform(.7, 1.)))
        detections.append(_detection(rng, img_id, np.array([1., 1., 20., 30.]), .1))
        cv2.imwrite(str(img_dir / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    category = dict(id=1, name='person', supercategory='person', keypoints=list(KEYPOINTS))
    ann_file, bbox_file = folder / 'annotations.json', folder / 'detections.json'
    ann_file.write_text(json.dumps(dict(images=images, annotations=annotations,
                                        categories=[category])))
    bbox_file.write_text(json.dumps(detections))
    return TinyDataset(str(folder), str(ann_file), str(img_dir), str(bbox_file))


def _place(rng: np.random.Generator, slot: int, slots: int, width: int, height: int) -> np.ndarray:
    """Return a random box (x, y, w, h) inside one of the vertical strips of a picture."""
    strip = width / slots
    w, h = strip * rng.uniform(.7, .9), height * rng.uniform(.7, .9)
    return np.array([strip * slot + rng.uniform(0, strip - w), rng.uniform(0, height - h), w,
                     h]).round(2)


def _person(rng: np.random.Generator, ann_id: int, img_id: int, box: np.ndarray,
            shown: np.ndarray, kind: str, num_points: int) -> dict:
    ann = dict(id=ann_id, image_id=img_id, category_id=1, iscrowd=int(kind == 'crowd'),
               bbox=box.tolist(), area=float(shown.sum()), keypoints=_keypoints(box),
               num_keypoints=len(KEYPOINTS))
    if kind == 'crowd':
        ann.update(segmentation=_runs(shown), keypoints=[0] * (3 * len(KEYPOINTS)),
                   num_keypoints=0)
        return ann
    ann['segmentation'] = [
        (np.array([x1, y1, x2, y1, x2, y2, x1, y2]).reshape(4, 2) * box[2:] + box[:2])
        .reshape(-1).tolist() for x1, y1, x2, y2 in RECTANGLES.values()]
    if kind in ('dense', 'silhouette'):
        ann.update(dense_annotation(rng, num_points))
    if kind == 'silhouette':
        masks = rle_tools.decode([m for m in ann['dp_masks'] if m]).any(-1)
        ann['dp_masks'] = _rle(masks)
    return ann


def _keypoints(box: np.ndarray) -> list[float]:
    values = []
    for name in KEYPOINTS:
        x, y = _JOINTS[name.split('_')[-1]]
        x = 1 - x if name.startswith('left') else x
        y = y - _RAISED if name in ('left_elbow', 'left_wrist') else y
        values += [float(box[0] + x * box[2]), float(box[1] + y * box[3]), 2]
    return values


def _detection(rng: np.random.Generator, img_id: int, box: np.ndarray, score: float) -> dict:
    shaken = box + rng.normal(0, .01, 4) * box[[2, 3, 2, 3]]
    return dict(image_id=img_id, category_id=1, bbox=shaken.round(2).tolist(),
                score=round(float(score), 4))


def _rle(mask: np.ndarray) -> dict:
    """Return the compressed RLE of a mask, fit for json."""
    rle = rle_tools.encode(np.asfortranarray(mask, np.uint8))
    return dict(size=[int(v) for v in rle['size']], counts=rle['counts'].decode())


def _runs(mask: np.ndarray) -> dict:
    """Return the uncompressed RLE of a mask, as COCO has it for crowds."""
    flat = np.concatenate([[0], mask.T.reshape(-1).astype(np.int64)])
    ends = np.append(np.flatnonzero(np.diff(flat)), mask.size)
    return dict(size=list(mask.shape), counts=np.diff(ends, prepend=0).tolist())
