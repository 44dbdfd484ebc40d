"""The commonsense graph between a source of knowledge and the 24 surfaces."""
from typing import NamedTuple

import numpy as np

from ktn_mm.surface.charts import NUM_SURFACES

from .counts import PairCounts, load_counts, pair_matrix
from .nodes import SOURCES, source_nodes, surface_nodes
from .structure import composition
from .words import embed, load_word_vectors


class Knowledge(NamedTuple):
    """One source's graph with what it is made of; every matrix is (n nodes, 24 surfaces).

    Attributes:
        semantics: M_s, cosine of the names' word vectors (Eq. 1), in [-1, 1].
        frequency: M_f, how often the two are seen together, in [0, 1].
        structure: I, 1 where the body composes the two.
        matrix: M_g, the graph.
    """

    semantics: np.ndarray
    frequency: np.ndarray
    structure: np.ndarray
    matrix: np.ndarray


def build_knowledge(source: str, *, recipe: str = 'paper',
                    word_vectors: dict[str, np.ndarray] | None = None,
                    counts: PairCounts | None = None) -> Knowledge:
    """Build the commonsense graph of one source.

    ``'paper'``: M_g = (M_s + M_f * I) / 2. Each node's counts are divided by their sum over the
    surfaces it composes with. A pair that was not counted takes the mean of its row's counts, and
    a node of which none was counted gets equal shares; a pair that was counted and never seen has
    no share. The shares are then divided by the root of their column's sum, which brings them
    into [0, 1].
    ``'official'``: 0.3 (M_s + M_f + I), for the location (M_s + M_f) / 2, with
    M_f = count / sqrt(row sum * column sum), 0 where nothing was counted.

    Source: Eq. 1-3; the official code for its recipe. The nodes are fully named in both.

    Args:
        source: 'keypoint', 'part' or 'location'.
        recipe: 'paper' or 'official'.
        word_vectors: word -> (d,); those that ship by default.
        counts: {word, word} -> count; those that ship by default.

    Returns:
        The graph and its ingredients, float64.

    Raises:
        ValueError: if the source or the recipe is unknown, or a word has no vector.
    """
    nodes, surfaces = source_nodes(source), surface_nodes()
    if word_vectors is None:
        word_vectors = load_word_vectors()
    seen = pair_matrix(nodes, surfaces, load_counts() if counts is None else counts)
    semantics = cosine(embed(nodes, word_vectors), embed(surfaces, word_vectors))
    structure = composition(source)
    if recipe == 'paper':
        frequency = _scale(_shares(seen, structure))
        matrix = 0.5 * semantics + 0.5 * frequency * structure
    elif recipe == 'official':
        frequency = _scale(np.nan_to_num(seen))
        if source == 'location':
            matrix = 0.5 * (semantics + frequency)
        else:
            matrix = 0.3 * (semantics + frequency + structure)
    else:
        raise ValueError(f"recipe must be 'paper' or 'official', got {recipe!r}")
    return Knowledge(semantics, frequency, structure, matrix)


def build_graph(source: str, *, kind: str = 'semantic', recipe: str = 'paper',
                location_rows: int = 1, **materials) -> np.ndarray:
    """Build the matrix that gathers a source's predictor rows for every surface.

    Background takes no part: its row, and the parts' background column, are zero. No word and
    no body structure relates background to a surface, and the surface loss never asks for it
    either, so a learnable graph may fill these in, but nothing is claimed at the start.

    Args:
        source: 'keypoint', 'part' or 'location'.
        kind: 'semantic', or 'average': every surface takes the plain mean of the source's rows
            (the ablation CRKG-A).
        recipe: see :func:`build_knowledge`.
        location_rows: rows of the location's predictor; they all describe the person, so the
            person's column is repeated.
        materials: ``word_vectors`` and ``counts`` of :func:`build_knowledge`.

    Returns:
        (25, n) float32; n is 17 for keypoint, 15 for part, location_rows for location.

    Raises:
        ValueError: if an argument is none of the above.
    """
    if location_rows < 1:
        raise ValueError(f'location_rows must be at least 1, got {location_rows}')
    if kind == 'semantic':
        matrix = build_knowledge(source, recipe=recipe, **materials).matrix
    elif kind == 'average':
        count = len(source_nodes(source))
        matrix = np.full((count, NUM_SURFACES), 1 / count)
    else:
        raise ValueError(f"kind must be 'semantic' or 'average', got {kind!r}")
    if source == 'location':
        matrix = np.repeat(matrix, location_rows, 0)
        if kind == 'average':
            matrix = matrix / location_rows
    graph = np.zeros((NUM_SURFACES + 1, len(matrix) + (source == 'part')), np.float32)
    graph[1:, -len(matrix):] = matrix.T
    return graph


def build_graphs(sources: tuple[str, ...] = SOURCES, **options) -> dict[str, np.ndarray]:
    """Build the graphs of several sources; options as for :func:`build_graph`."""
    return {source: build_graph(source, **options) for source in sources}


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cosine (n, m) of the rows of (n, d) and (m, d)."""
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    return a @ b.T


def _shares(seen: np.ndarray, structure: np.ndarray) -> np.ndarray:
    """Turn counts, NaN where unknown, into each node's shares over its surfaces."""
    related = structure > 0
    known = related & ~np.isnan(seen)
    total = np.where(known, seen, 0).sum(1, keepdims=True)
    number = known.sum(1, keepdims=True)
    mean = np.where(number > 0, total / np.maximum(number, 1), 1)
    filled = np.where(known, seen, mean) * related
    whole = filled.sum(1, keepdims=True)
    return np.divide(filled, whole, out=np.zeros_like(filled), where=whole > 0)


def _scale(matrix: np.ndarray) -> np.ndarray:
    """Divide by the roots of row and column sums; 0 stays 0."""
    size = np.sqrt(matrix.sum(1, keepdims=True) * matrix.sum(0, keepdims=True))
    return np.divide(matrix, size, out=np.zeros_like(matrix), where=size > 0)
