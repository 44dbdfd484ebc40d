"""The open body's file: what DensePose's 24 surfaces promise, checked on the mesh itself."""
import numpy as np
import pytest

from ktn_mm.surface import KEYPOINT_TWIN, KEYPOINTS, OPEN_BODY, SURFACE_TWIN, SURFACES

TOUCHING = {
    1: {2, 7, 8, 17, 18, 23, 24}, 2: {1, 7, 8, 9, 10, 15, 16, 23, 24},
    3: {20, 22}, 4: {19, 21}, 5: {12, 14}, 6: {11, 13},
    7: {1, 2, 8, 9, 11}, 8: {1, 2, 7, 10, 12}, 9: {2, 7, 13}, 10: {2, 8, 14},
    11: {6, 7, 13}, 12: {5, 8, 14}, 13: {6, 9, 11}, 14: {5, 10, 12},
    15: {2, 17, 19}, 16: {2, 18, 20}, 17: {1, 15, 21}, 18: {1, 16, 22},
    19: {4, 15, 21}, 20: {3, 16, 22}, 21: {4, 17, 19}, 22: {3, 18, 20},
    23: {1, 2, 24}, 24: {1, 2, 23}}
"""Which surfaces of DensePose share a seam. The backs of the thighs (7, 8) meet between the legs,
so there they touch the torso's front (2) and keep it from its back (1)."""

CORNER = 0.025
"""Metres: where four surfaces meet, two of them may share a piece this short."""


@pytest.fixture(scope='module')
def body():
    with np.load(OPEN_BODY, allow_pickle=False) as file:
        data = {name: file[name] for name in file.files}
    data['num_skin_faces'] = int(data['num_skin_faces'])
    data['skin'] = data['faces'][:data['num_skin_faces']].astype(np.int64)
    data['skin_surface'] = data['face_surface'][:data['num_skin_faces']].astype(np.int64)
    return data


def directed_edges(faces):
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def seams(body):
    """(E, 2) the vertices of all edges between two surfaces, and (E, 2) those surfaces."""
    owner = {tuple(e): s for e, s in zip(directed_edges(body['skin']).tolist(),
                                         np.tile(body['skin_surface'], 3).tolist(), strict=True)}
    found = [((a, b), (s, owner[b, a])) for (a, b), s in owner.items() if s < owner[b, a]]
    return np.array([e for e, _ in found]), np.array([s for _, s in found])


def signed_areas(uv, faces):
    a, b, c = (uv[faces[:, k]].astype(np.float64) for k in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


def test_file_is_small_and_speaks_for_itself(body):
    assert OPEN_BODY.stat().st_size <= 4_000_000
    count = len(body['vertices'])
    assert body['faces'].max() == count - 1
    assert set(np.unique(body['face_surface'])) == set(range(1, 25))
    assert body['chart_uv'].min() >= 0 and body['chart_uv'].max() <= 1
    assert len(body['regions']) == len(body['faces'])
    assert body['regions'].max() == len(body['region_names']) - 1


def test_skin_is_one_closed_surface(body):
    edges = directed_edges(body['skin'])
    forward = {tuple(e) for e in edges.tolist()}
    assert len(forward) == len(edges)
    assert forward == {(b, a) for a, b in forward}
    assert len(np.unique(body['skin'])) - len(edges) // 2 + len(body['skin']) == 2


def test_faces_look_outwards(body):
    corner = body['vertices'][body['skin']].astype(np.float64)
    volume = np.linalg.det(corner).sum() / 6
    assert 0.04 < volume < 0.12


@pytest.mark.parametrize('surface', range(1, 25))
def test_every_surface_is_a_disc(body, surface):
    faces = body['skin'][body['skin_surface'] == surface]
    edges = np.unique(np.sort(directed_edges(faces), axis=1), axis=0, return_counts=True)
    assert len(np.unique(faces)) - len(edges[0]) + len(faces) == 1
    rim = edges[0][edges[1] == 1]
    assert (np.unique(rim, return_counts=True)[1] == 2).all()
    following = {}
    for a, b in rim.tolist():
        following.setdefault(a, []).append(b)
        following.setdefault(b, []).append(a)
    seen, ahead = set(), [rim[0, 0]]
    while ahead:
        vertex = ahead.pop()
        if vertex not in seen:
            seen.add(vertex)
            ahead += following[vertex]
    assert len(seen) == len(rim)


def test_surfaces_touch_as_in_densepose(body):
    ends, sides = seams(body)
    length = np.linalg.norm(body['vertices'][ends[:, 0]] - body['vertices'][ends[:, 1]], axis=1)
    contact = np.zeros((25, 25))
    np.add.at(contact, tuple(sides.T), length)
    contact += contact.T
    touching = {s: set(np.nonzero(contact[s] > CORNER)[0].tolist()) for s in range(1, 25)}
    assert touching == TOUCHING
    assert contact[9, 10] == 0 and contact[3, 4] == 0


def test_torso_front_and_back_meet_at_the_sides_only(body):
    ends, sides = seams(body)
    between = body['vertices'][ends[(sides == [1, 2]).all(1)]].mean(1)
    assert np.abs(between[:, 0]).min() > 0.04
    assert (between[:, 0] > 0).sum() == (between[:, 0] < 0).sum() > 0


def test_left_is_the_persons_own_and_front_is_front(body):
    centre = np.array([body['vertices'][body['skin'][body['skin_surface'] == s]].mean((0, 1))
                       for s in range(1, 25)])
    for surface in SURFACES:
        x = centre[surface.index - 1, 0]
        assert np.sign(np.round(x, 3)) == {'left': 1, 'right': -1, 'middle': 0}[surface.side]
    for back, front in ((1, 2), (7, 9), (8, 10), (11, 13), (12, 14), (18, 16), (17, 15)):
        assert centre[back - 1, 1] - centre[front - 1, 1] > 0.03
    for low, high in ((6, 13), (13, 9), (9, 2), (2, 23), (3, 20), (20, 16)):
        assert centre[high - 1, 2] > centre[low - 1, 2]


def test_lower_arm_front_is_the_side_of_the_thumb(body):
    head = dict(zip(body['bone_names'].tolist(), body['bone_heads'].astype(np.float64),
                    strict=True))
    axis = head['wrist.R'] - head['lowerarm01.R']
    axis /= np.linalg.norm(axis)
    thumb = head['finger1-1.R'] - head['finger5-1.R']
    thumb -= thumb @ axis * axis
    front, back = (body['vertices'][body['skin'][body['skin_surface'] == s]].mean((0, 1))
                   for s in (20, 22))
    assert (front - back) @ thumb / np.linalg.norm(thumb) > 0.03


def test_charts_unfold_the_skin(body):
    faces = body['chart_faces'].astype(np.int64)
    skin = faces[:body['num_skin_faces']]
    np.testing.assert_array_equal(body['chart_vertex'][skin], body['skin'])
    np.testing.assert_array_equal(body['chart_surface'][faces],
                                  np.repeat(body['face_surface'][:, None], 3, axis=1))
    eyes = faces[body['num_skin_faces']:]
    assert (eyes == eyes[:, :1]).all()
    key = body['chart_surface'].astype(np.int64) * 65536 + body['chart_vertex']
    assert len(np.unique(key)) == len(key)


@pytest.mark.parametrize('surface', range(1, 25))
def test_no_triangle_is_flipped_and_none_covers_another(body, surface):
    chosen = body['skin_surface'] == surface
    faces = body['chart_faces'][:body['num_skin_faces']][chosen].astype(np.int64)
    area = signed_areas(body['chart_uv'], faces)
    assert (area > 0).all() or (area < 0).all()
    assert (area > 0).all() == (SURFACES[surface - 1].side != 'left')
    assert not doubly_covered(body['chart_uv'][faces].astype(np.float64), 256)


def doubly_covered(triangles, size):
    """Count the cells of a raster whose centre lies strictly inside two triangles."""
    cover = np.zeros((size, size), int)
    centre = (np.arange(size) + 0.5) / size
    for a, b, c in triangles:
        low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
        columns = np.nonzero((centre >= low[0]) & (centre <= high[0]))[0]
        rows = np.nonzero((centre >= low[1]) & (centre <= high[1]))[0]
        if not len(columns) or not len(rows):
            continue
        x, y = centre[columns][:, None], centre[rows][None]
        sides = np.stack([(q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
                          for p, q in ((a, b), (b, c), (c, a))])
        cover[np.ix_(columns, rows)] += (sides > 1e-9).all(0) | (sides < -1e-9).all(0)
    return (cover > 1).sum()


def test_overlap_check_sees_an_overlap():
    triangle = np.array([[0., 0.], [1., 0.], [0., 1.]])
    assert doubly_covered(np.stack([triangle, triangle + [[.1, .1]] * 3]), 64) > 100
    assert doubly_covered(np.stack([triangle, 1 - triangle]), 64) == 0


def test_mirror_is_exact(body):
    mirror = body['mirror'].astype(np.int64)
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    np.testing.assert_array_equal(body['vertices'][mirror] * [-1, 1, 1], body['vertices'])
    charts = {(s, v): uv for s, v, uv in zip(body['chart_surface'].tolist(),
                                             body['chart_vertex'].tolist(), body['chart_uv'],
                                             strict=True)}
    for (surface, vertex), uv in charts.items():
        image = charts[int(SURFACE_TWIN[surface]), int(mirror[vertex])]
        expected = [1 - uv[0], uv[1]] if body['mirror_u'][surface] else uv
        np.testing.assert_allclose(image, expected, atol=1e-6)


def test_painted_regions_are_symmetric_and_complete(body):
    faces = np.sort(body['faces'].astype(np.int64), axis=1)
    image = np.sort(body['mirror'].astype(np.int64)[body['faces']], axis=1)
    number = {tuple(face): k for k, face in enumerate(faces.tolist())}
    opposite = [number[tuple(face)] for face in image.tolist()]
    np.testing.assert_array_equal(body['regions'], body['regions'][opposite])
    np.testing.assert_array_equal(SURFACE_TWIN[body['face_surface']],
                                  body['face_surface'][opposite])
    names = body['region_names'].tolist()
    assert np.unique(body['regions']).tolist() == list(range(len(names)))
    eyes = body['regions'] == names.index('eyes')
    assert not eyes[:body['num_skin_faces']].any() and eyes[body['num_skin_faces']:].all()
    for name, surfaces in (('lips', {23, 24}), ('ears', {23, 24}), ('fingernails', {3, 4}),
                           ('toenails', {5, 6}), ('aureolae', {2})):
        chosen = body['face_surface'][body['regions'] == names.index(name)]
        assert set(chosen.tolist()) == surfaces


def test_skinning_weights(body):
    weights = body['skin_weights'].astype(np.float64)
    np.testing.assert_allclose(weights.sum(1), 1, atol=5e-3)
    assert weights.min() >= 0
    parents = body['bone_parents']
    assert parents[0] == -1 and (parents[1:] < np.arange(1, len(parents))).all()
    assert body['skin_bones'].max() < len(parents)


def test_turning_the_forearm_moves_the_forearm_only(body):
    names = body['bone_names'].tolist()
    heads, vertices = body['bone_heads'].astype(float), body['vertices'].astype(float)
    rotation = np.tile(np.eye(3), (len(names), 1, 1))
    quarter = np.array([[1., 0., 0.], [0., 0., -1.], [0., 1., 0.]])
    position = heads.copy()
    below = set()
    for bone, parent in enumerate(body['bone_parents'].tolist()):
        if names[bone] == 'lowerarm01.R' or parent in below:
            below.add(bone)
            rotation[bone] = quarter
        if parent >= 0:
            position[bone] = position[parent] + rotation[parent] @ (heads[bone] - heads[parent])
    bones, weights = body['skin_bones'], body['skin_weights'].astype(float)
    moved = np.zeros_like(vertices)
    for k in range(bones.shape[1]):
        bone = bones[:, k]
        moved += weights[:, k, None] * (
            np.einsum('nij,nj->ni', rotation[bone], vertices - heads[bone]) + position[bone])
    shift = np.linalg.norm(moved - vertices, axis=1)
    hand = np.unique(body['skin'][body['skin_surface'] == 3])
    others = np.unique(body['skin'][np.isin(body['skin_surface'], [1, 2, 4, 9, 23, 24])])
    assert shift[hand].min() > 0.1
    assert shift[others].max() < 0.01


def test_shape_space_makes_tall_and_short_adults(body):
    std, directions = body['shape_std'], body['shape_vertices'].astype(np.float64)
    assert len(std) >= 16 and (np.diff(std) <= 0).all()
    np.testing.assert_allclose((directions ** 2).sum((1, 2)) / len(body['vertices']), 1, atol=0.05)
    for sign in (-2, 2):
        person = body['vertices'] + sign * std[0] * directions[0]
        height = np.ptp(person[:, 2])
        assert 1.4 < height < 2.1
        assert abs(height - np.ptp(body['vertices'][:, 2])) > 0.1
        mirror = body['mirror'].astype(int)
        np.testing.assert_allclose(person[mirror] * [-1, 1, 1], person, atol=1e-3)


def test_keypoints_lie_where_the_bones_are(body):
    index, weight = body['keypoint_index'], body['keypoint_weight']
    points = (weight[..., None] * body['vertices'][index]).sum(1)
    np.testing.assert_allclose(weight.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(points[KEYPOINT_TWIN] * [-1, 1, 1], points, atol=1e-3)
    names = body['bone_names'].tolist()
    for keypoint, bone in (('right_elbow', 'lowerarm01.R'), ('left_wrist', 'wrist.L'),
                           ('left_knee', 'lowerleg01.L'), ('right_ankle', 'foot.R')):
        gap = points[KEYPOINTS.index(keypoint)] - body['bone_heads'][names.index(bone)]
        assert np.linalg.norm(gap) < 0.05
    assert points[KEYPOINTS.index('nose'), 1] < points[KEYPOINTS.index('left_ear'), 1] - 0.05
