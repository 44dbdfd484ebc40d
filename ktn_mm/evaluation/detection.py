"""What the metric keeps of a detection: numbers, never maps."""
from dataclasses import dataclass

import numpy as np

from ktn_mm.evaluation.gps import sample_picture
from ktn_mm.evaluation.ground_truth import Image, Person
from ktn_mm.evaluation.masks import paste
from ktn_mm.evaluation.picture import picture_size


@dataclass(frozen=True, eq=False)
class Detection:
    """A detection as far as evaluation cares.

    Not a named tuple, which mmengine turns into a plain one on its way between processes.

    Attributes:
        image_id: its image.
        key: what tells it from the others of its image, and orders those of equal score.
        box: (4,) float64 x, y, w, h.
        score: confidence.
        mask: RLE of the image's size.
        samples: (P, 3) uint8 I, U, V at the points of all persons of the image, one person
            after another.
    """

    image_id: int
    key: tuple
    box: np.ndarray
    score: float
    mask: dict
    samples: np.ndarray


def measure(picture: np.ndarray, box: np.ndarray, score: float, image: Image,
            persons: list[Person], key: tuple = ()) -> Detection:
    """Reduce a detection to what evaluation needs.

    Args:
        picture: (3, h, w) uint8 I, U, V over the box, as
            :func:`ktn_mm.evaluation.picture.box_picture` makes it.
        box: (4,) x, y, w, h.
        score: confidence.
        image: the image it was found in.
        persons: all annotated persons of that image.
        key: see :class:`Detection`.

    Raises:
        ValueError: if the picture is not of the box's size.
    """
    box = np.asarray(box, np.float64)
    if picture.shape != (3, *picture_size(box)):
        raise ValueError(f'image {image.id}: the IUV picture of box {box.tolist()} must be '
                         f'{(3, *picture_size(box))}, got {picture.shape}')
    samples = [sample_picture(picture, box, p.points, p.box, p.frame) for p in persons]
    return Detection(
        image_id=image.id, key=key, box=box, score=float(score),
        mask=paste(picture[0], box, image.height, image.width),
        samples=np.concatenate(samples) if samples else np.zeros((0, 3), np.uint8))
