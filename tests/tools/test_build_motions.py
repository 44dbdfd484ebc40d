"""Poses from motion-capture frames: round trip through the body's own joints."""
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from ktn_mm.synth.body import open_body
from ktn_mm.synth.poses import PARAMETERS, draw_pose
from ktn_mm.synth.posing import BACK, DOWN, FRONT, bone_rotations

TOOL = Path(__file__).parents[2] / 'tools' / 'build_motions.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('build_motions', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unit(vector):
    return vector / np.linalg.norm(vector)


def frame_of(body, angles):
    """Return the frame that a recording of the posed body would give."""
    turn = dict(zip(body.bone_names, bone_rotations(body, angles), strict=True))
    head = dict(zip(body.bone_names, body.bone_heads, strict=True))
    root, chest = turn['root'], turn['spine01']
    frame = {'root': root, 'chest': root.T @ chest, 'neck': chest.T @ turn['head']}
    limbs = (('shoulder', 'elbow', ('upperarm01', 'upperarm02', 'lowerarm01', 'wrist'), chest,
              FRONT, 1), ('hip', 'knee', ('upperleg01', 'upperleg02', 'lowerleg01', 'foot'), root,
                          BACK, -1))
    for side, letter in (('left', 'L'), ('right', 'R')):
        for joint, hinge, names, parent, toward, sign in limbs:
            first, bone, second, last = (f'{name}.{letter}' for name in names)
            upper = turn[bone] @ unit(head[second] - head[first])
            lower = turn[second] @ unit(head[last] - head[second])
            bend_to = unit(lower - lower @ upper * upper)
            rest = np.stack([DOWN, toward, np.cross(DOWN, toward)], 1)
            posed = np.stack([upper, bend_to, np.cross(upper, bend_to)], 1)
            frame[f'{side}_{joint}'] = parent.T @ posed @ rest.T
            frame[f'{side}_{hinge}'] = sign * np.arccos(np.clip(upper @ lower, -1, 1))
        frame[f'{side}_ankle'] = np.eye(3)
    return frame


def test_frames_of_a_posed_body_give_its_pose(tool):
    body = open_body()
    rng = np.random.default_rng(0)
    compared = [i for i, name in enumerate(PARAMETERS)
                if name.split('.')[1] not in ('wrist', 'curl', 'flat')
                and name not in ('pelvis.yaw', 'left_arm.roll', 'right_arm.roll')]
    for split in ('train', 'val', 'test') * 8:
        angles = draw_pose(rng, split)[1]
        # The plane of a straight knee or elbow cannot be seen.
        for side in ('left', 'right'):
            for joint in ('arm.bend', 'leg.knee'):
                at = PARAMETERS.index(f'{side}_{joint}')
                angles[at] = max(angles[at], 4)
        pose = tool.pose_of(frame_of(body, angles))
        np.testing.assert_allclose(pose[compared], angles[compared], atol=1e-4)


def test_axes_of_the_files(tool, tmp_path):
    """x ahead, y up, z right; a quarter turn about z lifts a hanging arm to the front."""
    row = [.03, 0, .9, 0] + [1, 0, 0, 0] * 4 + [0] + [1, 0, 0, 0] * 2 + [0]
    row += [1, 0, 0, 0] + [0] + [1, 0, 0, 0] * 2 + [0]
    quarter = [np.sqrt(.5), 0, 0, np.sqrt(.5)]
    start = sum(size for _, size in tool.FRAME[:8])
    assert tool.FRAME[8][0] == 'right_shoulder'
    raised = row[:start] + quarter + row[start + 4:]
    (tmp_path / 'clip.txt').write_text(json.dumps({'Frames': [row, raised]}))
    still, lifted = (dict(zip(PARAMETERS, tool.pose_of(frame), strict=True))
                     for frame in tool.read_clip(tmp_path / 'clip.txt'))
    assert all(abs(still[name]) < 1e-6 for name in PARAMETERS
               if not name.endswith(('curl', 'flat')))
    assert lifted['right_arm.lift'] == pytest.approx(90)
    assert lifted['right_arm.swing'] == pytest.approx(90)
    assert lifted['left_arm.lift'] == pytest.approx(0, abs=1e-6)


def test_files_that_are_no_clips_are_named(tool, tmp_path):
    with pytest.raises(FileNotFoundError, match='none.txt'):
        tool.read_clip(tmp_path / 'none.txt')
    (tmp_path / 'short.txt').write_text(json.dumps({'Frames': [[1, 2]]}))
    with pytest.raises(ValueError, match='short.txt.*2 numbers'):
        tool.read_clip(tmp_path / 'short.txt')
