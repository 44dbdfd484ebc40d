"""Point figures that say what a network has not learnt yet.

Each annotated person is read from the detection whose box overlaps its box most. Source of the
idea: networks that know the part but neither its side nor its face have a GPS near zero.
"""
import numpy as np

from ktn_mm.evaluation.detection import Detection
from ktn_mm.surface.charts import SURFACES


def _column(values: list) -> np.ndarray:
    """Number the distinct values, 0 for background."""
    names = sorted(set(values))
    return np.array([0] + [1 + names.index(v) for v in values])


_TYPE = _column([(s.level, s.noun) for s in SURFACES])
_SIDE = _column([s.side for s in SURFACES])
_FACE = _column([s.face for s in SURFACES])
_HAS_SIDE = np.array([False] + [s.side != 'middle' for s in SURFACES])
_HAS_FACE = np.array([False] + [s.face != 'full' for s in SURFACES])


def point_figures(predicted: np.ndarray, annotated: np.ndarray) -> dict[str, float]:
    """Compare predicted with annotated surfaces, point by point.

    Args:
        predicted: (P,) 0..24, 0 where nothing was found.
        annotated: (P,) 1..24.

    Returns:
        Shares in [0, 1], -1 where no point qualifies:

        - ``foreground_recall``: of all points, those on any surface;
        - ``surface_accuracy``: of all points, those on the right surface;
        - ``part_type_accuracy``: of the points on a surface, those on the right kind of part
          (any upper leg for an upper leg);
        - ``left_right_accuracy``, ``front_back_accuracy``: of the points on the right kind of
          part that has sides (faces), those on the right side (face).
    """
    found = predicted > 0
    right_type = found & (_TYPE[predicted] == _TYPE[annotated])
    return dict(
        foreground_recall=_share(found),
        surface_accuracy=_share(predicted == annotated),
        part_type_accuracy=_share(right_type[found]),
        left_right_accuracy=_share(
            (_SIDE[predicted] == _SIDE[annotated])[right_type & _HAS_SIDE[annotated]]),
        front_back_accuracy=_share(
            (_FACE[predicted] == _FACE[annotated])[right_type & _HAS_FACE[annotated]]))


def nearest_detections(box_iou: np.ndarray) -> np.ndarray:
    """Return the detection (G,) that overlaps each person most, -1 for none.

    Args:
        box_iou: (D, G); of equals the first is taken.
    """
    if not len(box_iou):
        return np.full(box_iou.shape[1], -1)
    return np.where(box_iou.max(0) > 0, box_iou.argmax(0), -1)


def nearest_persons(box_iou: np.ndarray) -> np.ndarray:
    """Return the person (D,) whom each detection overlaps most, -1 for none.

    Args:
        box_iou: (D, G); of equals the first is taken.
    """
    return nearest_detections(box_iou.T)


def read_samples(found: list[Detection], reader: np.ndarray) -> np.ndarray:
    """Return what the detection of each point says there.

    Args:
        found: D detections of an image.
        reader: (P,) which of them to read at each of the image's points, -1 for none.

    Returns:
        (P, 3) uint8 I, U, V; zeros where there is none.
    """
    samples = np.zeros((len(reader), 3), np.uint8)
    for d in range(len(found)):
        samples[reader == d] = found[d].samples[reader == d]
    return samples


def _share(hits: np.ndarray) -> float:
    return float(hits.mean()) if hits.size else -1.
