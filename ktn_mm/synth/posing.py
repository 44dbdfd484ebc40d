"""From a pose in degrees to the rotation of every bone."""
import numpy as np
from scipy.spatial.transform import Rotation

from ktn_mm.synth.body import Body
from ktn_mm.synth.poses import PARAMETERS

SPINE = ('spine05', 'spine04', 'spine03', 'spine02', 'spine01')
NECK = {'neck01': .2, 'neck02': .4, 'neck03': .6, 'head': 1.}
FINGERS = range(1, 6)
MIRROR = np.diag([-1., 1., 1.])
DOWN, FRONT, BACK = np.array([0, 0, -1.]), np.array([0, -1., 0]), np.array([0, 1., 0])


def bone_rotations(body: Body, angles: np.ndarray) -> np.ndarray:
    """Return the world rotation of each bone away from its rest.

    Args:
        body: whose skeleton.
        angles: (D,) degrees, see :mod:`ktn_mm.synth.poses`.

    Returns:
        (B, 3, 3); knees and elbows are hinges by construction.
    """
    pose = dict(zip(PARAMETERS, np.asarray(angles, np.float64), strict=True))
    rotations: dict[str, np.ndarray] = {}
    pelvis = _trunk(pose, 'pelvis')
    for name in ('root', 'pelvis.L', 'pelvis.R'):
        rotations[name] = pelvis
    chest = pelvis
    for step, name in enumerate(SPINE, 1):
        chest = rotations[name] = pelvis @ _trunk(pose, 'spine', step / len(SPINE))
    for name, share in NECK.items():
        rotations[name] = chest @ _trunk(pose, 'head', share)
    for side, word in (('L', 'left'), ('R', 'right')):
        flip = np.eye(3) if side == 'L' else MIRROR
        arm = _arm(body, {k.split('.')[1]: v for k, v in pose.items() if f'{word}_arm' in k})
        leg = _leg(body, {k.split('.')[1]: v for k, v in pose.items() if f'{word}_leg' in k},
                   flip @ pelvis @ flip)
        for limb, parent in ((arm, chest), (leg, pelvis)):
            rotations.update({f'{bone}.{side}': parent @ flip @ turn @ flip
                              for bone, turn in limb.items()})
    return _inherit(body, rotations)


def _inherit(body: Body, rotations: dict[str, np.ndarray]) -> np.ndarray:
    """Let bones without a rotation of their own follow their parent."""
    result = np.zeros((len(body.bone_names), 3, 3))
    for bone, (name, parent) in enumerate(zip(body.bone_names, body.bone_parents, strict=True)):
        result[bone] = rotations[name] if name in rotations else result[parent]
    return result


def _trunk(pose: dict[str, float], joint: str, share: float = 1.) -> np.ndarray:
    pitch, roll, yaw = (share * pose[f'{joint}.{axis}'] for axis in ('pitch', 'roll', 'yaw'))
    return Rotation.from_euler('ZXY', (yaw, pitch, roll), degrees=True).as_matrix()


def _turn(axis: np.ndarray, degrees: float) -> np.ndarray:
    unit = axis / np.linalg.norm(axis)
    return Rotation.from_rotvec(np.radians(degrees) * unit).as_matrix()


def _frame(axis: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Return a right-handed frame of which the first column is the axis."""
    first = axis / np.linalg.norm(axis)
    second = side - side @ first * first
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], 1)


def _between(start: np.ndarray, stop: np.ndarray, share: float) -> np.ndarray:
    """Return the rotation a share of the way from one to another."""
    difference = Rotation.from_matrix(start.T @ stop).as_rotvec()
    return start @ Rotation.from_rotvec(share * difference).as_matrix()


def _shortest(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the smallest rotation that takes one unit vector to another."""
    axis = np.cross(source, target)
    sine = np.linalg.norm(axis)
    if sine < 1e-9:
        return np.eye(3)
    return _turn(axis, np.degrees(np.arctan2(sine, source @ target)))


def _arm(body: Body, pose: dict[str, float]) -> dict[str, np.ndarray]:
    """Return rotations of the left arm's bones, relative to the chest."""
    head = {name: body.bone_heads[body.bone[f'{name}.L']] for name in
            ('upperarm01', 'lowerarm01', 'wrist', 'finger2-1', 'finger3-1', 'finger5-1')}
    rest_upper = head['lowerarm01'] - head['upperarm01']
    rest_upper /= np.linalg.norm(rest_upper)
    rest_fore = head['wrist'] - head['lowerarm01']
    rest_fore /= np.linalg.norm(rest_fore)
    rest_hinge = np.cross(rest_upper, rest_fore)

    # The collar bone helps to lift the arm.
    collar = _turn(FRONT, -.22 * max(pose['lift'] - 45, 0))
    swing = np.radians(pose['swing'])
    lift_axis = np.cross(DOWN, np.array([np.cos(swing), -np.sin(swing), 0]))
    lift = _turn(lift_axis, pose['lift'])
    upper = lift @ DOWN
    bend_to = _turn(upper, pose['twist']) @ (lift @ FRONT)
    hinge = np.cross(upper, bend_to)
    bend = np.radians(pose['bend'])
    fore = np.cos(bend) * upper + np.sin(bend) * bend_to

    whole = _frame(upper, hinge) @ _frame(rest_upper, rest_hinge).T
    hinged = _frame(fore, hinge) @ _frame(rest_fore, rest_hinge).T
    rolled = _turn(fore, -pose['roll']) @ hinged

    across = head['finger5-1'] - head['finger2-1']
    palm = np.cross(across, head['finger3-1'] - head['wrist'])
    curl_axis = np.cross(head['finger3-1'] - head['wrist'], palm)
    wrist = rolled @ _turn(curl_axis, pose['wrist'])
    bones = {'clavicle': collar, 'shoulder01': collar,
             'upperarm01': _between(_shortest(rest_upper, upper), whole, .4),
             'upperarm02': whole, 'lowerarm01': hinged,
             'lowerarm02': _between(hinged, rolled, .5), 'wrist': wrist}
    for finger in FINGERS:
        share = .35 if finger == 1 else 1.
        for joint in (1, 2, 3):
            bones[f'finger{finger}-{joint}'] = wrist @ _turn(curl_axis,
                                                             share * joint * pose['curl'] * .7)
    return bones


def _leg(body: Body, pose: dict[str, float], pelvis: np.ndarray) -> dict[str, np.ndarray]:
    """Return rotations of the left leg's bones, relative to the pelvis."""
    head = {name: body.bone_heads[body.bone[f'{name}.L']]
            for name in ('upperleg01', 'lowerleg01', 'foot')}
    rest_thigh = head['lowerleg01'] - head['upperleg01']
    rest_thigh /= np.linalg.norm(rest_thigh)
    rest_shin = head['foot'] - head['lowerleg01']
    rest_hinge = np.cross(rest_thigh, BACK)

    frame = Rotation.from_euler('XYZ', (-pose['flex'], -pose['out'], pose['turn']),
                                degrees=True).as_matrix()
    thigh, bend_to = frame @ DOWN, frame @ BACK
    hinge = np.cross(thigh, bend_to)
    knee = np.radians(pose['knee'])
    shin = np.cos(knee) * thigh + np.sin(knee) * bend_to

    whole = _frame(thigh, hinge) @ _frame(rest_thigh, rest_hinge).T
    hinged = _frame(shin, hinge) @ _frame(rest_shin, rest_hinge).T
    level = pelvis @ hinge
    heading = np.degrees(np.arctan2(level[1], level[0]))
    flat = pelvis.T @ _turn(-DOWN, heading)
    return {'upperleg01': _between(_shortest(rest_thigh, thigh), whole, .4), 'upperleg02': whole,
            'lowerleg01': hinged, 'lowerleg02': hinged,
            'foot': _between(hinged, flat, np.clip(pose['flat'] / 100, 0, 1))}
