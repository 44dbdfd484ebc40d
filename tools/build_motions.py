"""Turn motion-capture clips into poses of the open body: write ktn_mm/synth/motions.npz.

    pip download --no-deps pybullet==3.2.7 && unzip pybullet-*.whl 'pybullet_data/data/motions/*'
    python tools/build_motions.py pybullet_data/data/motions

The clips are those of the humanoid with twelve joints that the package pybullet carries. Only
frames that differ enough from those already taken are kept.
"""
import argparse
import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from ktn_mm.synth.motions import CLIPS, MOTION_LIMITS, MOTIONS
from ktn_mm.synth.posing import DOWN, FRONT, MIRROR

AXES = np.array([[0, 0, -1.], [-1, 0, 0], [0, 1, 0]])
"""From a clip's axes (x ahead, y up, z right) to the open body's (x left, y back, z up)."""
FRAME = (('time', 1), ('place', 3), ('root', 4), ('chest', 4), ('neck', 4), ('right_hip', 4),
         ('right_knee', 1), ('right_ankle', 4), ('right_shoulder', 4), ('right_elbow', 1),
         ('left_hip', 4), ('left_knee', 1), ('left_ankle', 4), ('left_shoulder', 4),
         ('left_elbow', 1))
"""Entries of one frame: seconds, metres, quaternions (w, x, y, z), radians about z.

Source: the files themselves, humanoid3d_*.txt.
"""
THIGH, SHIN = .4215, .41
FORWARD = np.array([0, -1., 0])


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('clips', type=Path, help='folder of humanoid3d_*.txt')
    parser.add_argument('--out', type=Path, default=MOTIONS, help='file to write')
    parser.add_argument('--distance', type=float, default=26,
                        help='least distance between two poses of a clip: the root of the sum '
                             'of squares, over elbows, knees, hands and feet, in centimetres')
    return parser.parse_args()


def read_clip(path: Path) -> list[dict[str, np.ndarray]]:
    """Read a clip as one dictionary of rotations, angles and the place per frame."""
    if not path.is_file():
        raise FileNotFoundError(f'no clip {path}')
    frames = []
    for row in np.array(json.loads(path.read_text())['Frames'], np.float64):
        if len(row) != sum(size for _, size in FRAME):
            raise ValueError(f'{path}: a frame has {len(row)} numbers, not 44')
        frame, start = {}, 0
        for name, size in FRAME:
            values = row[start:start + size]
            start += size
            if size == 4:
                turn = Rotation.from_quat(values[[1, 2, 3, 0]]).as_matrix()
                frame[name] = AXES @ turn @ AXES.T
            else:
                frame[name] = values if size == 3 else float(values[0])
        frames.append(frame)
    return frames


def trunk_angles(rotation: np.ndarray) -> np.ndarray:
    """Return pitch, roll and yaw in degrees."""
    yaw, pitch, roll = Rotation.from_matrix(rotation).as_euler('ZXY', degrees=True)
    return np.array([pitch, roll, yaw])


def hinge(degrees: float) -> np.ndarray:
    """Return the rotation that swings what hangs down to the front."""
    return Rotation.from_rotvec(np.radians(degrees) * np.array([-1., 0, 0])).as_matrix()


def arm_angles(shoulder: np.ndarray, elbow: float) -> np.ndarray:
    """Return lift, swing, twist and bend of a left arm.

    Args:
        shoulder: (3, 3) rotation of the upper arm, relative to the chest, from hanging down.
        elbow: degrees.
    """
    upper, bend_to = shoulder @ DOWN, shoulder @ FRONT
    lift = np.degrees(np.arccos(np.clip(upper @ DOWN, -1, 1)))
    swing = np.degrees(np.arctan2(-upper[1], upper[0])) if lift > 1 else 0.
    direction = np.array([np.cos(np.radians(swing)), -np.sin(np.radians(swing)), 0])
    axis = np.cross(DOWN, direction)
    start = Rotation.from_rotvec(np.radians(lift) * axis).apply(FRONT)
    twist = np.degrees(np.arctan2(np.cross(start, bend_to) @ upper, start @ bend_to))
    return np.array([lift, swing, twist, elbow])


def leg_angles(hip: np.ndarray, knee: float, ankle: np.ndarray,
               pelvis: np.ndarray) -> np.ndarray:
    """Return flex, out, turn, knee and flat of a left leg.

    Args:
        hip: (3, 3) rotation of the thigh, relative to the pelvis.
        knee: degrees.
        ankle: (3, 3) rotation of the foot, relative to the shin.
        pelvis: (3, 3) in the world.
    """
    flex, out, turn = Rotation.from_matrix(hip).as_euler('XYZ', degrees=True) * (-1, -1, 1)
    shin = pelvis @ hip @ hinge(-knee)
    foot, square = shin @ ankle @ FORWARD, shin @ FORWARD
    heading = square * (1, 1, 0)
    heading /= max(np.linalg.norm(heading), 1e-6)
    shares = np.linspace(0, 1, 21)
    blends = square + shares[:, None] * (heading - square)
    blends /= np.linalg.norm(blends, axis=1, keepdims=True)
    return np.array([flex, out, turn, knee, 100 * shares[(blends @ foot).argmax()]])


def pose_of(frame: dict) -> np.ndarray:
    """Return a frame's pose vector (D,) in degrees, its heading left out."""
    values = {}
    for name, joint in (('pelvis', 'root'), ('spine', 'chest'), ('head', 'neck')):
        values[name] = trunk_angles(frame[joint])
    values['pelvis'][2] = 0
    pelvis = Rotation.from_euler('ZXY', (0, *values['pelvis'][:2]), degrees=True).as_matrix()
    for side in ('left', 'right'):
        flip = np.eye(3) if side == 'left' else MIRROR
        values[f'{side}_arm'] = np.concatenate([
            arm_angles(flip @ frame[f'{side}_shoulder'] @ flip,
                       np.degrees(frame[f'{side}_elbow'])), (0, 0, 25)])
        values[f'{side}_leg'] = leg_angles(
            flip @ frame[f'{side}_hip'] @ flip, -np.degrees(frame[f'{side}_knee']),
            flip @ frame[f'{side}_ankle'] @ flip, flip @ pelvis @ flip)
    order = ('pelvis', 'spine', 'head', 'left_arm', 'right_arm', 'left_leg', 'right_leg')
    pose = np.concatenate([values[name] for name in order])
    return pose


def limbs(frame: dict, *, heading: bool = False) -> np.ndarray:
    """Return elbows, hands, knees and feet (8, 3) metres from the hips; up to the heading."""
    root = frame['root'] if heading else Rotation.from_euler(
        'ZXY', (0, *trunk_angles(frame['root'])[:2]), degrees=True).as_matrix()
    chest = root @ frame['chest']
    points = []
    for side, sign in (('left', 1), ('right', -1)):
        arm = chest @ frame[f'{side}_shoulder']
        elbow = chest @ np.array([sign * .18, 0, .24]) + root @ np.array([0, 0, .24])
        elbow = elbow + arm @ DOWN * .27
        hand = elbow + arm @ hinge(np.degrees(frame[f'{side}_elbow'])) @ DOWN * .33
        thigh = root @ frame[f'{side}_hip']
        knee = root @ np.array([sign * .085, 0, 0]) + thigh @ DOWN * THIGH
        foot = knee + thigh @ hinge(np.degrees(frame[f'{side}_knee'])) @ DOWN * SHIN
        points += [elbow, hand, knee, foot]
    return np.array(points)


def main() -> None:
    args = parse_args()
    poses, clips, numbers, airborne = [], [], [], []
    for clip in tqdm(CLIPS, unit='clip'):
        taken: list[np.ndarray] = []
        for number, frame in enumerate(read_clip(args.clips / f'humanoid3d_{clip}.txt')):
            pose = pose_of(frame)
            # Nobody stands on the head in front of these cameras, or is turned inside out.
            if (pose[:2] < MOTION_LIMITS[:2, 0]).any() or (pose[:2] > MOTION_LIMITS[:2, 1]).any():
                continue
            points = limbs(frame)
            gaps = [np.linalg.norm(points - other) * 100 for other in taken]
            if min(gaps, default=np.inf) < args.distance:
                continue
            taken.append(points)
            poses.append(np.clip(pose, MOTION_LIMITS[:, 0], MOTION_LIMITS[:, 1]))
            clips.append(list(CLIPS).index(clip))
            numbers.append(number)
            lowest = frame['place'][1] + min(points[:, 2].min(), 0)
            airborne.append(lowest > .2)
        tqdm.write(f'{clip}: {len(taken)} frames, {sum(airborne[-len(taken):])} in the air')
    np.savez_compressed(args.out, poses=np.array(poses, np.float32),
                        clips=np.array(clips, np.uint8), frames=np.array(numbers, np.int32),
                        airborne=np.array(airborne))
    print(f'{args.out}: {len(poses)} poses, {args.out.stat().st_size / 1e3:.0f} kB')


if __name__ == '__main__':
    main()
