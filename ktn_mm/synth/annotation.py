"""DensePose-COCO's annotation of the people of a scene."""
import numpy as np
from pycocotools import mask as coco_mask

from ktn_mm.structures.crop_frame import box_to_image, cell_centers, image_to_box
from ktn_mm.surface.charts import KEYPOINTS, NUM_PARTS, SURFACE_TO_PART
from ktn_mm.synth.body import Body
from ktn_mm.synth.camera import Camera
from ktn_mm.synth.picture import Labels
from ktn_mm.synth.points import sample_points
from ktn_mm.synth.rasterizer import NEAR, rasterize
from ktn_mm.synth.scene import Person

FRAME = 256
"""Extent of the box frame of ``dp_x``, ``dp_y`` and ``dp_masks``."""
MIN_AREA = 64
"""A person of fewer visible pixels is not annotated at all."""
MIN_DENSE_AREA, MIN_DENSE_SIDE = 400, 24
"""A person of fewer visible pixels, or with a narrower box, gets no ``dp_*``."""
DENSE_SHARE = .85
"""Of the other people get ``dp_*``; in DensePose-COCO too some people have none."""

_TOLERANCE = {'nose': .03, 'eye': .03, 'ear': .03, 'shoulder': .14, 'elbow': .06, 'wrist': .06,
              'hip': .14, 'knee': .09, 'ankle': .06}
TOLERANCE = np.array([_TOLERANCE[name.split('_')[-1]] for name in KEYPOINTS])
"""(17,) metres by which a visible joint may lie behind the skin, along the ray."""

SKELETON = ((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8),
            (7, 9), (8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7))


def encode_rle(mask: np.ndarray) -> dict:
    """Return a mask (h, w) as COCO's compressed run lengths, ready for JSON."""
    rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {'size': [int(n) for n in rle['size']], 'counts': rle['counts'].decode('ascii')}


def see_keypoints(keypoints: np.ndarray, camera: Camera, labels: Labels,
                  number: int) -> np.ndarray:
    """Return COCO's keypoints of a person.

    A joint is visible if the ray to it meets its own person first, at most
    :data:`TOLERANCE` before the joint.

    Args:
        keypoints: (17, 3) in the world.
        camera: of the picture.
        labels: of the picture.
        number: of the person in ``labels.person``.

    Returns:
        (17, 3) float64 x, y, v: v is 2 visible, 1 hidden, 0 outside the picture (then x and
        y are 0). x and y are pixel indices, as COCO's integers are, at least 0.
    """
    seen = camera.project(keypoints)
    result = np.zeros((len(keypoints), 3))
    for row, ((x, y, depth), tolerance) in enumerate(zip(seen, TOLERANCE, strict=True)):
        column, line = int(np.floor(x + .5)), int(np.floor(y + .5))
        if depth <= 0 or not (0 <= column < camera.size[0] and 0 <= line < camera.size[1]):
            continue
        own = labels.person[line, column] == number
        near = depth - labels.depth[line, column] <= tolerance
        result[row] = max(x, 0), max(y, 0), 2 if own and near else 1
    return result


def annotate(person: Person, number: int, camera: Camera, labels: Labels,
             rng: np.random.Generator) -> dict | None:
    """Return the annotation of one person, without ids; None if hardly visible.

    Args:
        person: of the scene.
        number: in ``labels.person``.
        camera: of the picture.
        labels: of the picture.
        rng: chooses the points.
    """
    mask = labels.person == number
    area = int(mask.sum())
    # Drawn for everybody, also for who is too small.
    chance = rng.random()
    if area < MIN_AREA:
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]],
                   np.float64)
    keypoints = see_keypoints(person.keypoints, camera, labels, number)
    annotation = {
        'category_id': 1, 'iscrowd': 0, 'bbox': box.tolist(), 'area': area,
        'segmentation': encode_rle(mask),
        'keypoints': [round(float(value), 2) if column < 2 else int(value)
                      for row in keypoints for column, value in enumerate(row)],
        'num_keypoints': int((keypoints[:, 2] > 0).sum()),
        'synth': {'number': number, 'view': round(person.view, 1), 'pose': person.pose.name,
                  **person.outfit.recipe._asdict()}}
    if chance < DENSE_SHARE and area >= MIN_DENSE_AREA and box[2:].min() >= MIN_DENSE_SIDE:
        annotation.update(_dense(labels, mask, box, rng))
    return annotation


def measure_visibility(person: Person, camera: Camera, body: Body, area: int) -> dict[str, float]:
    """Return how much of a person the picture shows.

    Args:
        person: of the scene.
        camera: of the picture.
        body: everybody's.
        area: the person's visible pixels.

    Returns:
        ``in_frame``, the share of the skin's area that the frame does not cut off, and
        ``unhidden``, the visible share of the pixels that the person would cover alone.
    """
    seen = camera.project(person.vertices)
    inside = ((seen[:, :2] > -.5) & (seen[:, :2] < np.array(camera.size) - .5)).all(1)
    inside &= seen[:, 2] > NEAR
    alone = len(rasterize(seen, body.faces, camera.size).sample)
    return {'in_frame': round(float(body.vertex_area @ inside), 3),
            'unhidden': round(min(1., area / max(alone, 1)), 3)}


def _dense(labels: Labels, mask: np.ndarray, box: np.ndarray, rng: np.random.Generator) -> dict:
    """Return the keys that begin with ``dp_``."""
    surface = np.where(mask, labels.surface, 0)
    pixels = sample_points(rng, surface)
    x, y = pixels[:, 0], pixels[:, 1]
    frame = image_to_box(pixels, box, FRAME)
    uv = labels.uv[y, x].astype(np.float64)
    cells = box_to_image(cell_centers((FRAME, FRAME), (FRAME, FRAME)) + .5, box, FRAME)
    column, line = np.moveaxis(np.floor(cells + .5).astype(np.int64), -1, 0)
    part = SURFACE_TO_PART[surface[line, column]]
    masks = [encode_rle(part == index) if (part == index).any() else []
             for index in range(1, NUM_PARTS + 1)]
    return {'dp_x': frame[:, 0].round(6).tolist(), 'dp_y': frame[:, 1].round(6).tolist(),
            'dp_I': surface[y, x].astype(float).tolist(), 'dp_U': uv[:, 0].round(5).tolist(),
            'dp_V': uv[:, 1].round(5).tolist(), 'dp_masks': masks}
