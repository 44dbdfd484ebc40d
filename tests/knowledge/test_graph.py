"""The commonsense graph against the equations written out in loops."""
import numpy as np
import pytest

from ktn_mm.knowledge import (
    SOURCES,
    build_graph,
    build_knowledge,
    composition,
    load_counts,
    load_word_vectors,
    pair_matrix,
    source_nodes,
    surface_nodes,
)

COLUMNS = dict(keypoint=17, part=15, location=1)


@pytest.mark.parametrize('source', SOURCES)
@pytest.mark.parametrize('recipe', ['paper', 'official'])
def test_shape_range_and_background(source, recipe):
    graph = build_graph(source, recipe=recipe)
    assert graph.shape == (25, COLUMNS[source]) and graph.dtype == np.float32
    assert np.all(graph[0] == 0)
    if source == 'part':
        assert np.all(graph[:, 0] == 0)
        graph = graph[:, 1:]
    assert np.all((graph[1:] > 0) & (graph[1:] <= 1))


@pytest.mark.parametrize('source', SOURCES)
@pytest.mark.parametrize('recipe', ['paper', 'official'])
def test_no_two_surfaces_share_a_row(source, recipe):
    rows = build_graph(source, recipe=recipe)[1:]
    apart = np.abs(rows[:, None] - rows[None]).max(-1)
    assert apart[~np.eye(24, dtype=bool)].min() > 1e-4
    if source != 'location':  # one person tells surfaces apart by words alone
        assert apart[~np.eye(24, dtype=bool)].min() > 5e-3


@pytest.mark.parametrize('source', SOURCES)
def test_paper_recipe_is_equations_1_to_3(source):
    vectors = load_word_vectors()
    knowledge = build_knowledge(source)
    for i, node in enumerate(source_nodes(source)):
        a = np.concatenate([vectors[w] for w in node]).astype(np.float64)
        for j, surface in enumerate(surface_nodes()):
            b = np.concatenate([vectors[w] for w in surface]).astype(np.float64)
            semantics = a @ b / np.sqrt((a @ a) * (b @ b))
            dependence = knowledge.frequency[i, j] * knowledge.structure[i, j]
            assert knowledge.matrix[i, j] == pytest.approx((semantics + dependence) / 2)


@pytest.mark.parametrize('source', SOURCES)
def test_official_recipe_by_loop(source):
    vectors, counts = load_word_vectors(), load_counts()
    nodes, surfaces = source_nodes(source), surface_nodes()
    seen = np.nan_to_num(pair_matrix(nodes, surfaces, counts))
    assert (seen > 0).sum() > 10
    structure = composition(source)
    graph = build_graph(source, recipe='official')[1:, -len(nodes):].T
    for i, node in enumerate(nodes):
        a = np.concatenate([vectors[w] for w in node]).astype(np.float64)
        for j, surface in enumerate(surfaces):
            b = np.concatenate([vectors[w] for w in surface]).astype(np.float64)
            semantics = a @ b / np.sqrt((a @ a) * (b @ b))
            row, column = sum(seen[i]), sum(seen[k, j] for k in range(len(nodes)))
            frequency = seen[i, j] / np.sqrt(row * column) if seen[i, j] else 0
            expected = (semantics + frequency) / 2 if source == 'location' else \
                0.3 * (semantics + frequency + structure[i, j])
            assert graph[i, j] == pytest.approx(expected, abs=1e-6)


def test_frequency_of_a_wrist_by_hand():
    # hand|hand 46 for the hand, arm|hand 43 for either face of the lower arm
    counts = load_counts()
    hand, arm = counts[frozenset(['hand'])], counts[frozenset(['arm', 'hand'])]
    keypoints = [node.noun + node.side for node in source_nodes('keypoint')]
    wrist = keypoints.index('wristleft')
    frequency = build_knowledge('keypoint').frequency[wrist]
    expected = np.zeros(24)
    expected[[3, 18, 20]] = np.array([hand, arm, arm]) / (hand + 2 * arm)
    # columns: only the wrist touches the hand; elbow (a quarter each) and wrist the lower arm
    columns = np.ones(24)
    columns[3] = expected[3]
    columns[[18, 20]] = 0.25 + expected[18]
    np.testing.assert_allclose(frequency, expected / np.sqrt(columns))


def test_uncounted_node_has_equal_shares_before_scaling():
    knowledge = build_knowledge('keypoint', counts={})
    related = knowledge.structure > 0
    assert np.all((knowledge.frequency > 0) == related)
    shares = related / related.sum(1, keepdims=True)
    np.testing.assert_allclose(knowledge.frequency, shares / np.sqrt(shares.sum(0)))


def test_what_was_counted_and_never_seen_has_no_share():
    keypoints = [node.noun + node.side for node in source_nodes('keypoint')]
    wrist = keypoints.index('wristleft')
    hand, arm = frozenset(['hand']), frozenset(['arm', 'hand'])
    # the wrist composes with the hand and both faces of the lower arm
    for counts, expected in (
            ({hand: 6, arm: 0}, [1, 0, 0]),  # counted, never seen
            ({hand: 6}, [1 / 3, 1 / 3, 1 / 3]),  # not counted: as often as what was
            ({hand: 0, arm: 0}, [0, 0, 0]),
            ({}, [1 / 3, 1 / 3, 1 / 3])):
        knowledge = build_knowledge('keypoint', counts=counts)
        column = knowledge.frequency.T[[3, 18, 20]]
        np.testing.assert_allclose(
            column[:, wrist], np.array(expected) / np.sqrt(np.maximum(
                [expected[0], 0.25 + expected[1], 0.25 + expected[2]], 1e-9)))


def test_body_structure_of_the_left_side():
    structure = composition('keypoint')
    names = ['nose', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle']
    rows = [0, 5, 7, 9, 11, 13, 15]
    expected = dict(nose=[23, 24], shoulder=[1, 2, 15, 17], elbow=[15, 17, 19, 21],
                    wrist=[4, 19, 21], hip=[1, 2, 8, 10], knee=[8, 10, 12, 14],
                    ankle=[5, 12, 14])
    for name, row in zip(names, rows, strict=True):
        assert (np.flatnonzero(structure[row]) + 1).tolist() == expected[name]
    assert composition('part').sum(0).tolist() == [1] * 24
    assert composition('location').all()


@pytest.mark.parametrize('source', SOURCES)
def test_average_graph_treats_all_surfaces_alike(source):
    graph = build_graph(source, kind='average', location_rows=3)
    assert np.all(graph[1:] == graph[1])
    np.testing.assert_allclose(graph[1].sum(), 1, rtol=1e-6)


def test_mirror_of_the_graph_is_nearly_the_graph():
    # only the words left and right differ between a body and its mirror image
    from ktn_mm.surface.charts import KEYPOINT_TWIN, SURFACE_TWIN
    graph = build_graph('keypoint')
    mirrored = graph[SURFACE_TWIN][:, KEYPOINT_TWIN]
    assert 0 < np.abs(graph - mirrored).max() < 0.03


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match='source.*wings'):
        build_graph('wings')
    with pytest.raises(ValueError, match='kind.*magic'):
        build_graph('part', kind='magic')
    with pytest.raises(ValueError, match='recipe.*secret'):
        build_graph('part', recipe='secret')
    with pytest.raises(ValueError, match='no word vector for: .*torso'):
        build_knowledge('part', word_vectors={'left': np.ones(3, np.float32)})
    with pytest.raises(ValueError, match='location_rows'):
        build_graph('location', location_rows=0)
