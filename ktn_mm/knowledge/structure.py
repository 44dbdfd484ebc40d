"""Which concept and which surface the structure of the body composes: the 0/1 matrix I."""
import numpy as np

from ktn_mm.surface.charts import PARTS, SURFACES

from .nodes import Node, keypoint_nodes, source_nodes

_JOINT_TOUCHES = dict(
    nose=(('full', 'head'),),
    eye=(('full', 'head'),),
    ear=(('full', 'head'),),
    shoulder=(('full', 'torso'), ('upper', 'arm')),
    elbow=(('upper', 'arm'), ('lower', 'arm')),
    wrist=(('full', 'hand'), ('lower', 'arm')),
    hip=(('full', 'torso'), ('upper', 'leg')),
    knee=(('upper', 'leg'), ('lower', 'leg')),
    ankle=(('full', 'foot'), ('lower', 'leg')),
)
"""Joint -> (level, noun) of the surfaces that meet in it, on the joint's own side."""

_UNSIDED = ('torso', 'head')
"""Surfaces that the joints of both sides touch: one torso, and a head too small to split."""


def _touches(joint: Node, surface: Node) -> bool:
    if (surface.level, surface.noun) not in _JOINT_TOUCHES[joint.noun]:
        return False
    return surface.noun in _UNSIDED or surface.side == joint.side


def composition(source: str) -> np.ndarray:
    """Return I: 1 where a node and a surface compose one another.

    A joint composes with the surfaces that meet in it, a part with the surfaces that cover it,
    a person with all of them.

    Source: Eq. 2; the rules are those of the official code's graph.

    Args:
        source: 'keypoint', 'part' or 'location'.

    Returns:
        (n, 24) float64 of 0 and 1; n is 17, 14 or 1.
    """
    surfaces = [Node(s.level, s.side, s.face, s.noun) for s in SURFACES]
    if source == 'keypoint':
        rows = [[_touches(k, s) for s in surfaces] for k in keypoint_nodes()]
    elif source == 'part':
        rows = [[s.part == p.index for s in SURFACES] for p in PARTS]
    else:
        rows = [[True] * len(surfaces) for _ in source_nodes(source)]
    return np.array(rows, np.float64)
