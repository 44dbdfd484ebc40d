"""What the metric keeps of a detection: numbers, never maps."""
from dataclasses import dataclass

import numpy as np

from ktn_mm.evaluation.filling import sample_filled
from ktn_mm.evaluation.gps import sample_picture
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.masks import paste
from ktn_mm.evaluation.part_maps import pack_parts
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
        filled: (P, 3) uint8, the same as
            :func:`~ktn_mm.evaluation.filling.sample_filled` reads it; None unless asked for.
        parts: the part map over the box, as
            :func:`~ktn_mm.evaluation.part_maps.pack_parts` keeps it; None unless asked for.
    """

    image_id: int
    key: tuple
    box: np.ndarray
    score: float
    mask: dict
    samples: np.ndarray
    filled: np.ndarray | None = None
    parts: bytes | None = None


def measure(picture: np.ndarray, box: np.ndarray, score: float, ground_truth: GroundTruth,
            image_id: int, key: tuple = (), *, filled: bool = False,
            parts: bool = False) -> Detection:
    """Reduce a detection to what evaluation needs.

    Args:
        picture: (3, h, w) uint8 I, U, V over the box, as
            :func:`ktn_mm.evaluation.picture.box_picture` makes it.
        box: (4,) x, y, w, h.
        score: confidence.
        ground_truth: the annotation.
        image_id: the image it was found in.
        key: see :class:`Detection`.
        filled: whether to keep what :func:`ktn_mm.evaluation.diagnosis.diagnose` needs.
        parts: whether to keep what :func:`ktn_mm.evaluation.part_figures.part_figures` needs.

    Raises:
        ValueError: if the image is not annotated or the picture is not of the box's size.
    """
    image = ground_truth.images.get(image_id)
    if image is None:
        raise ValueError(f'image {image_id} was predicted on but is not in {ground_truth.source}')
    box = np.asarray(box, np.float64)
    if picture.shape != (3, *picture_size(box)):
        raise ValueError(f'image {image_id}: the IUV picture of box {box.tolist()} must be '
                         f'{(3, *picture_size(box))}, got {picture.shape}')
    truncates, positions = ground_truth.rules.truncates, ground_truth.points(image_id).positions
    return Detection(
        image_id=image_id, key=key, box=box, score=float(score),
        mask=paste(picture[0], box, image.height, image.width, truncates=truncates),
        samples=sample_picture(picture, box, positions, truncates=truncates),
        filled=sample_filled(picture, box, positions, truncates=truncates) if filled else None,
        parts=pack_parts(picture[0]) if parts else None)
