"""Shape, skeleton and pose."""
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ktn_mm.surface.charts import KEYPOINT_TWIN, KEYPOINTS
from ktn_mm.synth.body import Body
from ktn_mm.synth.poses import BASE_POSES, LIMITS, PARAMETERS, draw_pose, mirror
from ktn_mm.synth.posing import bone_rotations

STAND = BASE_POSES[0].angles


def joints(body, angles):
    figure = body.shape(np.zeros(body.num_shapes))
    points = body.keypoints(body.pose(figure, bone_rotations(body, angles)))
    return dict(zip(KEYPOINTS, points, strict=True))


def with_angles(**changes):
    angles = STAND.copy()
    for name, value in changes.items():
        angles[PARAMETERS.index(name.replace('__', '.'))] = value
    return angles


def test_no_rotation_leaves_the_body(body):
    figure = body.shape(np.zeros(body.num_shapes))
    rotations = np.tile(np.eye(3), (len(body.bone_names), 1, 1))
    np.testing.assert_allclose(body.pose(figure, rotations), body.vertices, atol=1e-12)


def test_one_rotation_everywhere_is_rigid(body):
    figure = body.shape(np.full(body.num_shapes, .5))
    turn = Rotation.from_euler('xyz', (20, -30, 50), degrees=True).as_matrix()
    moved = body.pose(figure, np.tile(turn, (len(body.bone_names), 1, 1)))
    root = figure.heads[0]
    np.testing.assert_allclose(moved, (figure.vertices - root) @ turn.T + root, atol=1e-9)


def test_normals_point_outwards(body):
    normals = body.normals(body.vertices)
    chest = body.keypoints(body.vertices)[[5, 6, 11, 12]].mean(0)
    torso = np.isin(body.vertex_surface, (1, 2))
    outward = np.einsum('nd,nd->n', normals, body.vertices - chest)[torso]
    assert (outward > 0).mean() > .9


def test_joints_do_what_their_names_say(body):
    """Front is -y, the person's left is +x, up is +z."""
    rest = joints(body, STAND)
    assert rest['left_wrist'][0] > 0 > rest['right_wrist'][0]
    up = joints(body, with_angles(left_arm__lift=160))
    assert up['left_wrist'][2] > up['nose'][2] > up['right_wrist'][2]
    ahead = joints(body, with_angles(right_arm__lift=90, right_arm__swing=90))
    assert ahead['right_wrist'][1] < rest['right_wrist'][1] - .3
    kick = joints(body, with_angles(left_leg__flex=60))
    assert kick['left_ankle'][1] < kick['right_ankle'][1] - .4
    kneel = joints(body, with_angles(right_leg__knee=90))
    assert kneel['right_ankle'][1] > kneel['right_knee'][1] + .3
    bent = joints(body, with_angles(left_arm__bend=100))
    assert bent['left_wrist'][1] < rest['left_wrist'][1] - .1
    left = joints(body, with_angles(head__yaw=50))
    assert left['nose'][0] > rest['nose'][0] + .04
    bow = joints(body, with_angles(spine__pitch=40))
    assert bow['nose'][1] < rest['nose'][1] - .2


def test_bend_is_the_angle_at_the_hinge(body):
    for bend in (20, 70, 120):
        angles = with_angles(left_arm__bend=bend, left_leg__knee=bend)
        rotations = bone_rotations(body, angles)
        heads = body.bone_heads
        for first, second, third in (('upperarm01.L', 'lowerarm01.L', 'wrist.L'),
                                     ('upperleg01.L', 'lowerleg01.L', 'foot.L')):
            a, b, c = (body.bone[name] for name in (first, second, third))
            upper = rotations[body.bone[first.replace('01', '02')]] @ (heads[b] - heads[a])
            lower = rotations[b] @ (heads[c] - heads[b])
            cosine = upper @ lower / np.linalg.norm(upper) / np.linalg.norm(lower)
            assert np.degrees(np.arccos(cosine)) == pytest.approx(bend, abs=1e-6)


@pytest.mark.parametrize('base', BASE_POSES, ids=lambda base: base.name)
def test_mirrored_pose_is_the_mirror_image(body, base):
    pose = np.stack(list(joints(body, base.angles).values()))
    twin = np.stack(list(joints(body, mirror(base.angles)).values()))
    np.testing.assert_allclose(twin[KEYPOINT_TWIN] * [-1, 1, 1], pose, atol=4e-3)
    np.testing.assert_array_equal(mirror(mirror(base.angles)), base.angles)


def test_drawn_poses_keep_their_limits_and_splits():
    names = {split: {base.name for base in BASE_POSES if base.split == split}
             for split in ('train', 'val', 'test')}
    assert not names['train'] & names['val'] | names['train'] & names['test']
    assert not names['val'] & names['test']
    rng = np.random.default_rng(0)
    for split in names:
        for _ in range(60):
            base, angles = draw_pose(rng, split)
            assert base.name in names[split]
            assert (angles >= LIMITS[:, 0]).all() and (angles <= LIMITS[:, 1]).all()
    for base in BASE_POSES:
        assert (base.angles >= LIMITS[:, 0]).all() and (base.angles <= LIMITS[:, 1]).all()


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.npz'):
        Body(tmp_path / 'nowhere.npz')
    broken = tmp_path / 'broken.npz'
    np.savez(broken, vertices=np.zeros((3, 3)))
    with pytest.raises(ValueError, match='broken.npz.*faces'):
        Body(broken)
