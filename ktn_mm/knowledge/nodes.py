"""The nodes of the commonsense graph and their names, word by word."""
from typing import NamedTuple

from ktn_mm.surface.charts import KEYPOINTS, PARTS, SURFACES

SOURCES = ('keypoint', 'location', 'part')
"""Tasks that knowledge is transferred from, in the order in which KTM stacks them."""


class Node(NamedTuple):
    """A body concept, named in four slots.

    Every name fills every slot, so that the concatenated word vectors of two nodes compare slot
    by slot; where a name lacks a word, the neutral word of the slot stands in: 'full' for level
    and face, 'middle' for side.
    """

    level: str
    side: str
    face: str
    noun: str


def surface_nodes() -> list[Node]:
    """Return the 24 surfaces, fully named.

    Front and back, upper and lower are part of the names: without the faces nine pairs of
    surfaces, such as 7 and 9, would share one row of the graph, and a fixed graph could never tell
    them apart.
    """
    return [Node(s.level, s.side, s.face, s.noun) for s in SURFACES]


def keypoint_nodes() -> list[Node]:
    """Return COCO's 17 keypoints."""
    nodes = []
    for name in KEYPOINTS:
        side, _, noun = name.rpartition('_')
        nodes.append(Node('full', side or 'middle', 'full', noun))
    return nodes


def part_nodes() -> list[Node]:
    """Return the 14 parts, without background."""
    return [Node(p.level, p.side, 'full', p.noun) for p in PARTS]


def location_nodes() -> list[Node]:
    """Return the one concept that a person detector knows."""
    return [Node('full', 'middle', 'full', 'person')]


def source_nodes(source: str) -> list[Node]:
    """Return the nodes of a source of knowledge.

    Args:
        source: one of :data:`SOURCES`.

    Raises:
        ValueError: if the source is unknown.
    """
    builders = dict(keypoint=keypoint_nodes, part=part_nodes, location=location_nodes)
    if source not in builders:
        raise ValueError(f'source must be one of {SOURCES}, got {source!r}')
    return builders[source]()
