"""What is known about bodies before any picture is seen."""
from .counts import count_relationships, counted_words, load_counts, pair_matrix
from .graph import Knowledge, build_graph, build_graphs, build_knowledge, cosine
from .nodes import (
    SOURCES,
    Node,
    keypoint_nodes,
    location_nodes,
    part_nodes,
    source_nodes,
    surface_nodes,
)
from .structure import composition
from .words import embed, load_word_vectors

__all__ = [
    'Knowledge', 'Node', 'SOURCES', 'build_graph', 'build_graphs', 'build_knowledge',
    'composition', 'cosine', 'count_relationships', 'counted_words', 'embed', 'keypoint_nodes',
    'load_counts', 'load_word_vectors', 'location_nodes', 'pair_matrix', 'part_nodes',
    'source_nodes', 'surface_nodes'
]
