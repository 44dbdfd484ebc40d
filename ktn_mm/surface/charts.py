"""The table of the body: 24 surfaces, 14 parts, 17 keypoints.

Everything in this package that needs the name, the side, the twin, the part or the kappa of a
surface reads it here. Left and right are the person's own.

Source: the annotation format and the evaluation protocol of DensePose-COCO
(Gueler et al., CVPR 2018): numbering of ``dp_I`` and ``dp_masks``, per-part kappa of GPS.
"""
from typing import NamedTuple

import numpy as np


class Surface(NamedTuple):
    """One of the 24 charts of the body.

    Attributes:
        index: I, 1..24.
        level: 'upper', 'lower' or 'full'.
        side: 'left', 'right' or 'middle'.
        face: 'front', 'back' or 'full'.
        noun: the body part in one word.
        part: the coarse part (1..14) that it belongs to.
        twin: the surface that a mirror shows in its place; itself for the torso.
    """

    index: int
    level: str
    side: str
    face: str
    noun: str
    part: int
    twin: int

    @property
    def name(self) -> str:
        """Name to show, such as ``'left upper leg back'``."""
        words = (self.side, self.level, self.noun, self.face)
        return ' '.join(w for w in words if w not in ('full', 'middle'))


class Part(NamedTuple):
    """One of the 14 coarse parts of ``dp_masks``; index 1..14."""

    index: int
    level: str
    side: str
    noun: str
    twin: int
    kappa: float

    @property
    def name(self) -> str:
        """Name to show, such as ``'left upper leg'``."""
        return ' '.join(w for w in (self.side, self.level, self.noun)
                        if w not in ('full', 'middle'))


SURFACES = (
    Surface(1, 'full', 'middle', 'back', 'torso', 1, 1),
    Surface(2, 'full', 'middle', 'front', 'torso', 1, 2),
    Surface(3, 'full', 'right', 'full', 'hand', 2, 4),
    Surface(4, 'full', 'left', 'full', 'hand', 3, 3),
    Surface(5, 'full', 'left', 'full', 'foot', 4, 6),
    Surface(6, 'full', 'right', 'full', 'foot', 5, 5),
    Surface(7, 'upper', 'right', 'back', 'leg', 6, 8),
    Surface(8, 'upper', 'left', 'back', 'leg', 7, 7),
    Surface(9, 'upper', 'right', 'front', 'leg', 6, 10),
    Surface(10, 'upper', 'left', 'front', 'leg', 7, 9),
    Surface(11, 'lower', 'right', 'back', 'leg', 8, 12),
    Surface(12, 'lower', 'left', 'back', 'leg', 9, 11),
    Surface(13, 'lower', 'right', 'front', 'leg', 8, 14),
    Surface(14, 'lower', 'left', 'front', 'leg', 9, 13),
    Surface(15, 'upper', 'left', 'front', 'arm', 10, 16),
    Surface(16, 'upper', 'right', 'front', 'arm', 11, 15),
    Surface(17, 'upper', 'left', 'back', 'arm', 10, 18),
    Surface(18, 'upper', 'right', 'back', 'arm', 11, 17),
    Surface(19, 'lower', 'left', 'front', 'arm', 12, 20),
    Surface(20, 'lower', 'right', 'front', 'arm', 13, 19),
    Surface(21, 'lower', 'left', 'back', 'arm', 12, 22),
    Surface(22, 'lower', 'right', 'back', 'arm', 13, 21),
    Surface(23, 'full', 'right', 'full', 'head', 14, 24),
    Surface(24, 'full', 'left', 'full', 'head', 14, 23),
)

PARTS = (
    Part(1, 'full', 'middle', 'torso', 1, 0.351),
    Part(2, 'full', 'right', 'hand', 3, 0.107),
    Part(3, 'full', 'left', 'hand', 2, 0.107),
    Part(4, 'full', 'left', 'foot', 5, 0.126),
    Part(5, 'full', 'right', 'foot', 4, 0.126),
    Part(6, 'upper', 'right', 'leg', 7, 0.237),
    Part(7, 'upper', 'left', 'leg', 6, 0.237),
    Part(8, 'lower', 'right', 'leg', 9, 0.173),
    Part(9, 'lower', 'left', 'leg', 8, 0.173),
    Part(10, 'upper', 'left', 'arm', 11, 0.142),
    Part(11, 'upper', 'right', 'arm', 10, 0.142),
    Part(12, 'lower', 'left', 'arm', 13, 0.128),
    Part(13, 'lower', 'right', 'arm', 12, 0.128),
    Part(14, 'full', 'middle', 'head', 14, 0.150),
)

KEYPOINTS = (
    'nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder',
    'left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_hip', 'right_hip',
    'left_knee', 'right_knee', 'left_ankle', 'right_ankle')
"""COCO's 17 keypoints, in its order."""

NUM_SURFACES = len(SURFACES)
NUM_PARTS = len(PARTS)
NUM_KEYPOINTS = len(KEYPOINTS)


def _frozen(values, dtype) -> np.ndarray:
    array = np.asarray(values, dtype)
    array.setflags(write=False)
    return array


SURFACE_TWIN = _frozen([0] + [s.twin for s in SURFACES], np.int64)
"""(25,): surface -> mirrored surface; background stays."""
PART_TWIN = _frozen([0] + [p.twin for p in PARTS], np.int64)
"""(15,): part -> mirrored part; background stays."""
SURFACE_TO_PART = _frozen([0] + [s.part for s in SURFACES], np.int64)
"""(25,): surface -> part; background -> background."""
SURFACE_KAPPA = _frozen([0.] + [PARTS[s.part - 1].kappa for s in SURFACES], np.float64)
"""(25,): surface -> kappa of its part in metres, the width of GPS's Gaussian; background 0."""
KEYPOINT_TWIN = _frozen(
    [KEYPOINTS.index(k.replace('left_', '*').replace('right_', 'left_').replace('*', 'right_'))
     for k in KEYPOINTS], np.int64)
"""(17,): keypoint -> mirrored keypoint."""
