"""What people do: a table of base poses in degrees a person can read.

Angles are anatomical and relative to the parent: legs to the pelvis, arms and head to the chest.

- pelvis, spine, head: pitch (forwards), roll (towards the own left), yaw (turn to the left).
- arm: lift (0 hangs, 90 level, 180 up), swing (the direction of the lift: 0 sideways, 90 to the
  front, -90 to the back), twist (of the upper arm; 0 lets the elbow bend forwards when the arm
  hangs, 90 lets it bend across the belly), bend (elbow), roll (of the forearm), wrist, curl
  (fingers).
- leg: flex (thigh forwards), out (sideways), turn (toes outwards), knee (bend), flat (percent:
  100 keeps the sole level, 0 keeps the foot square to the shin).

Every base pose belongs to one split, so that validation and test show poses never trained on.
"""
from typing import NamedTuple

import numpy as np

AXES = ('pitch', 'roll', 'yaw')
ARM = ('lift', 'swing', 'twist', 'bend', 'roll', 'wrist', 'curl')
LEG = ('flex', 'out', 'turn', 'knee', 'flat')

# name: (lowest, highest, standard deviation of the jitter), degrees
_TRUNK_LIMITS = {
    'pelvis': {'pitch': (-20, 60, 3), 'roll': (-20, 20, 2.5), 'yaw': (-40, 40, 4)},
    'spine': {'pitch': (-25, 60, 5), 'roll': (-25, 25, 4), 'yaw': (-40, 40, 6)},
    'head': {'pitch': (-35, 40, 8), 'roll': (-25, 25, 5), 'yaw': (-60, 60, 16)},
}
_ARM_LIMITS = {'lift': (6, 172, 9), 'swing': (-90, 125, 12), 'twist': (-95, 95, 12),
               'bend': (2, 142, 12), 'roll': (-70, 80, 20), 'wrist': (-40, 45, 10),
               'curl': (0, 75, 14)}
_LEG_LIMITS = {'flex': (-30, 115, 6), 'out': (-6, 50, 3), 'turn': (-12, 45, 6),
               'knee': (0, 135, 6), 'flat': (0, 100, 6)}

PARAMETERS = tuple(
    [f'{joint}.{axis}' for joint in _TRUNK_LIMITS for axis in AXES]
    + [f'{side}_arm.{name}' for side in ('left', 'right') for name in ARM]
    + [f'{side}_leg.{name}' for side in ('left', 'right') for name in LEG])
"""Names of the entries of a pose vector."""


def _limits() -> np.ndarray:
    rows = [_TRUNK_LIMITS[joint][axis] for joint in _TRUNK_LIMITS for axis in AXES]
    rows += [_ARM_LIMITS[name] for name in ARM] * 2
    rows += [_LEG_LIMITS[name] for name in LEG] * 2
    limits = np.array(rows, np.float64)
    limits.setflags(write=False)
    return limits


LIMITS = _limits()
"""(D, 3): lowest angle, highest angle, jitter of each entry of a pose vector."""


class BasePose(NamedTuple):
    """One row of the table.

    Attributes:
        name: what the person does.
        split: 'train', 'val' or 'test'.
        weight: how often it is drawn, relative to the others of its split.
        support: 'feet', 'seat' or 'air'.
        angles: (D,) degrees, in the order of :data:`PARAMETERS`.
    """

    name: str
    split: str
    weight: float
    support: str
    angles: np.ndarray


HANG = (10, 10, 12, 14, 0, 0, 22)
STAND = (0, 4, 8, 2, 100)


def _pose(name: str, split: str, weight: float = 1., support: str = 'feet', *,
          pelvis=(0, 0, 0), spine=(0, 0, 0), head=(0, 0, 0), arms=HANG, legs=STAND,
          left_arm=None, right_arm=None, left_leg=None, right_leg=None) -> BasePose:
    angles = np.concatenate([pelvis, spine, head, left_arm or arms, right_arm or arms,
                             left_leg or legs, right_leg or legs]).astype(np.float64)
    angles.setflags(write=False)
    return BasePose(name, split, weight, support, angles)


BASE_POSES = (
    # train
    _pose('stand', 'train', 4.),
    _pose('stand apart', 'train', 2., arms=(20, 0, 5, 16, 0, 0, 20), legs=(0, 12, 14, 2, 100)),
    _pose('contrapposto', 'train', 3., pelvis=(0, 5, 4), spine=(2, -9, -4), head=(4, 4, 8),
          left_arm=(14, -20, 20, 30, 0, 0, 30), right_arm=(12, 20, 10, 10, 0, 0, 20),
          left_leg=(-2, -2, 8, 0, 100), right_leg=(12, 10, 24, 24, 90)),
    _pose('hands on hips', 'train', 2., arms=(44, -14, 68, 96, 10, 10, 30),
          legs=(0, 8, 12, 2, 100)),
    _pose('one hand on hip', 'train', 1.5, spine=(0, 5, 0), left_arm=(44, -14, 68, 96, 10, 10, 30),
          right_leg=(10, 8, 18, 20, 95)),
    _pose('walk, left foot ahead', 'train', 2.5, spine=(3, 0, -6), head=(2, 0, 4),
          left_arm=(22, -80, 0, 12, 0, 0, 25), right_arm=(26, 84, 8, 28, 0, 0, 25),
          left_leg=(26, 2, 5, 6, 35), right_leg=(-16, 2, 6, 22, 30)),
    _pose('walk, feet passing', 'train', 2., spine=(3, 0, 0), left_arm=(9, 20, 8, 18, 0, 0, 25),
          right_arm=(9, 40, 8, 22, 0, 0, 25), left_leg=(-2, 1, 5, 3, 100),
          right_leg=(18, 2, 5, 48, 30)),
    _pose('run', 'train', 1.5, pelvis=(10, 0, 6), spine=(6, 0, -10), head=(-8, 0, 4),
          left_arm=(42, -86, 10, 92, 0, 0, 50), right_arm=(34, 86, 18, 96, 0, 0, 50),
          left_leg=(58, 2, 2, 74, 10), right_leg=(-20, 3, 4, 48, 10)),
    _pose('wave', 'train', 1.2, head=(0, 6, -8), right_arm=(78, 16, -82, 62, 0, -8, 4)),
    _pose('both arms up', 'train', .8, head=(-12, 0, 0), arms=(148, 24, -20, 24, 0, 0, 15),
          legs=(0, 9, 12, 2, 100)),
    _pose('arms spread', 'train', .8, arms=(84, 8, 0, 8, 0, 0, 6), legs=(0, 12, 15, 2, 100)),
    _pose('point ahead', 'train', 1., spine=(0, 0, 8), head=(0, 0, 6),
          right_arm=(84, 66, 0, 6, 0, 0, 55)),
    _pose('carry a box', 'train', 1., spine=(-4, 0, 0), arms=(26, 78, 22, 84, 0, 0, 35)),
    _pose('on the phone', 'train', 1., head=(6, -9, -6), right_arm=(38, 60, 16, 136, 20, 0, 50)),
    _pose('sit upright', 'train', 1.6, 'seat', arms=(30, 74, 18, 44, 20, 0, 18),
          legs=(84, 8, 4, 86, 100)),
    _pose('sit leaning ahead', 'train', 1., 'seat', pelvis=(14, 0, 0), spine=(22, 0, 0),
          head=(-14, 0, 0), arms=(44, 80, 30, 66, 20, 0, 40), legs=(92, 16, 8, 76, 100)),
    _pose('crouch', 'train', .6, pelvis=(30, 0, 0), spine=(14, 0, 0), head=(-22, 0, 0),
          arms=(56, 76, 20, 40, 0, 0, 30), legs=(112, 20, 16, 122, 60)),
    _pose('lunge', 'train', .6, pelvis=(8, 0, 0), arms=(36, 60, 20, 60, 0, 0, 40),
          left_leg=(72, 3, 3, 78, 100), right_leg=(-24, 3, 3, 30, 10)),
    _pose('kick', 'train', .6, pelvis=(-8, 0, 6), spine=(10, 0, -8),
          left_arm=(58, 52, 0, 26, 0, 0, 25), right_arm=(46, -40, 0, 20, 0, 0, 25),
          left_leg=(-8, 3, 12, 10, 100), right_leg=(52, 2, 6, 14, 0)),
    _pose('throw', 'train', .6, spine=(0, -6, -22), head=(0, 0, 16),
          left_arm=(76, 76, 0, 22, 0, 0, 15), right_arm=(92, -24, -78, 92, 0, -20, 40),
          left_leg=(22, 5, 4, 14, 80), right_leg=(-10, 8, 16, 14, 80)),
    _pose('jump', 'train', .5, 'air', arms=(138, 10, -10, 18, 0, 0, 12),
          left_leg=(18, 16, 8, 42, 0), right_leg=(-4, 14, 8, 46, 0)),
    _pose('bend down', 'train', .6, pelvis=(42, 0, 0), spine=(34, 0, 0), head=(-18, 0, 0),
          arms=(70, 84, 8, 12, 0, 0, 30), legs=(46, 5, 6, 10, 100)),
    # val
    _pose('stand at ease', 'val', 4., arms=(12, -16, 14, 12, 0, 0, 26), head=(2, 0, 6),
          legs=(1, 6, 14, 3, 100)),
    _pose('weight on the right leg', 'val', 2.5, pelvis=(0, -5, -3), spine=(3, 8, 2),
          left_arm=(11, 14, 14, 20, 0, 0, 20), right_arm=(16, -30, 30, 46, 0, 0, 30),
          right_leg=(-2, -1, 10, 0, 100), left_leg=(14, 12, 20, 22, 95)),
    _pose('hands folded in front', 'val', 1.6, arms=(16, 56, 44, 46, 20, 0, 30)),
    _pose('stride', 'val', 2.5, spine=(5, 0, 8), left_arm=(30, 82, 6, 34, 0, 0, 25),
          right_arm=(26, -82, 0, 16, 0, 0, 25), right_leg=(30, 3, 6, 10, 30),
          left_leg=(-18, 2, 8, 18, 35)),
    _pose('jog', 'val', 1.2, pelvis=(6, 0, -4), spine=(4, 0, 8),
          left_arm=(30, 80, 14, 84, 0, 0, 55), right_arm=(36, -84, 8, 80, 0, 0, 55),
          left_leg=(-14, 2, 4, 62, 10), right_leg=(38, 3, 3, 46, 30)),
    _pose('drink', 'val', 1., head=(-10, 0, 0), left_arm=(42, 66, 28, 118, 20, 0, 50)),
    _pose('greet with both arms', 'val', .8, arms=(112, 30, -60, 50, 0, 0, 8)),
    _pose('sit, one leg ahead', 'val', 1.6, 'seat', spine=(8, 0, 0),
          left_arm=(36, 70, 24, 52, 20, 0, 20), right_arm=(16, 30, 20, 30, 0, 0, 20),
          left_leg=(80, 8, 6, 54, 80), right_leg=(86, 12, 8, 92, 100)),
    _pose('reach to the side', 'val', .8, spine=(0, 10, 0), left_arm=(94, 24, 0, 10, 0, 0, 15),
          left_leg=(10, 20, 20, 24, 100), right_leg=(0, 10, 14, 4, 100)),
    _pose('squat', 'val', .6, pelvis=(26, 0, 0), spine=(8, 0, 0), head=(-18, 0, 0),
          arms=(82, 84, 10, 20, 0, 0, 20), legs=(84, 16, 16, 88, 95)),
    # test
    _pose('wait', 'test', 4., arms=(11, 2, 20, 20, 0, 0, 24), head=(6, 2, -8),
          legs=(0, 2, 6, 1, 100), right_leg=(6, 8, 16, 12, 100)),
    _pose('weight on the left leg', 'test', 2.5, pelvis=(0, 6, 0), spine=(0, -9, 5),
          left_arm=(40, -20, 60, 86, 10, 0, 30), left_leg=(-3, -2, 8, 0, 100),
          right_leg=(8, 14, 26, 16, 100)),
    _pose('arms folded', 'test', 1.6, left_arm=(24, 52, 56, 98, 20, 0, 30),
          right_arm=(28, 56, 58, 92, 20, 0, 30)),
    _pose('stroll', 'test', 2.5, spine=(2, 0, -4), left_arm=(14, -84, 4, 10, 0, 0, 22),
          right_arm=(16, 84, 8, 18, 0, 0, 22), left_leg=(18, 3, 8, 4, 50),
          right_leg=(-12, 3, 8, 14, 45)),
    _pose('sprint', 'test', 1., pelvis=(16, 0, -6), spine=(8, 0, 12), head=(-14, 0, -4),
          left_arm=(54, 86, 10, 100, 0, 0, 30), right_arm=(50, -86, 8, 84, 0, 0, 30),
          left_leg=(-26, 2, 4, 30, 0), right_leg=(72, 2, 2, 92, 10)),
    _pose('shade the eyes', 'test', .8, left_arm=(80, 44, -58, 124, 0, 0, 8)),
    _pose('stretch', 'test', .8, spine=(-6, 6, 0), left_arm=(160, 20, -30, 30, 0, 0, 10),
          right_arm=(140, 30, -40, 60, 0, 0, 10), legs=(0, 8, 12, 2, 100)),
    _pose('sit, hands together', 'test', 1.6, 'seat', pelvis=(6, 0, 0), spine=(12, 0, 0),
          arms=(32, 70, 46, 70, 20, 0, 35), legs=(88, 12, 10, 80, 100)),
    _pose('serve', 'test', .8, spine=(-4, 0, 12), left_arm=(62, 84, 10, 40, 10, 0, 15),
          right_arm=(60, 40, 20, 86, -40, 0, 10)),
    _pose('kneel on one knee', 'test', .5, pelvis=(4, 0, 0), spine=(8, 0, 0),
          arms=(38, 70, 30, 60, 0, 0, 30), left_leg=(86, 6, 6, 92, 100),
          right_leg=(-2, 4, 4, 100, 0)),
)

_SIDED = len(_TRUNK_LIMITS) * 3


def mirror(angles: np.ndarray) -> np.ndarray:
    """Return the pose that a mirror shows, (D,)."""
    trunk = angles[:_SIDED].copy()
    trunk[1::3] *= -1
    trunk[2::3] *= -1
    split = _SIDED + 2 * len(ARM)
    left_arm, right_arm = np.split(angles[_SIDED:split], 2)
    left_leg, right_leg = np.split(angles[split:], 2)
    return np.concatenate([trunk, right_arm, left_arm, right_leg, left_leg])


def draw_pose(rng: np.random.Generator, split: str) -> tuple[BasePose, np.ndarray]:
    """Draw a pose: a base pose, often blended with a second one, mirrored, jittered.

    Returns:
        The base pose that dominates and the (D,) angles, within :data:`LIMITS`.
    """
    table = [pose for pose in BASE_POSES if pose.split == split]
    weights = np.array([pose.weight for pose in table])
    base = table[rng.choice(len(table), p=weights / weights.sum())]
    angles = base.angles
    others = [pose for pose in table if pose.support == base.support]
    other, share = others[rng.integers(len(others))], rng.uniform(0, .4)
    if rng.random() < .5:
        angles = (1 - share) * angles + share * other.angles
    if rng.random() < .5:
        angles = mirror(angles)
    angles = angles + rng.standard_normal(len(angles)) * LIMITS[:, 2]
    return base, np.clip(angles, LIMITS[:, 0], LIMITS[:, 1])
