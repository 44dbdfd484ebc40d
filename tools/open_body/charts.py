"""Cut the skin into the 24 surfaces of DensePose.

The cut is made on the right half (x < 0) and copied to the left. Which body part is which number,
and which numbers touch, follows the annotation of DensePose-COCO (Gueler et al., CVPR 2018):
torso back 1 and front 2, hands, feet, then back and front of legs and arms, and the two halves of
the head. The upper arm's front faces forward, the lower arm's front is the thumb's side.
"""
import numpy as np

from ktn_mm.surface.charts import SURFACE_TWIN

from .seams import cut_in_two
from .source import Body

BONE_GROUPS = {
    'head': ('head', 'eye', 'neck02', 'neck03'),
    'arm': ('upperarm', 'lowerarm', 'wrist', 'finger', 'metacarpal'),
    'lower arm': ('lowerarm', 'wrist', 'finger', 'metacarpal'),
    'hand': ('wrist', 'finger', 'metacarpal'),
    'leg': ('upperleg', 'lowerleg', 'foot', 'toe'),
    'lower leg': ('lowerleg', 'foot', 'toe'),
    'foot': ('foot', 'toe'),
}
"""Regions of the body, as beginnings of bone names; a limb contains what hangs on it."""

WEIGHT_TO_METRES = 0.1
"""A skinning weight falls from 1 to 0 over about this length, so it can act as a distance."""

PERINEUM_HEIGHT, PERINEUM_FORWARD = 0.04, 0.0
"""Metres above the torso's lowest point, and in front of the hip joints."""

FRONT = np.array([0., -1., 0.])


def cut_charts(body: Body) -> np.ndarray:
    """Give every skin face its surface.

    Args:
        body: closed and symmetric.

    Returns:
        (S,) surfaces 1..24 of the skin faces.
    """
    centre = body.vertices[body.skin].mean(1)
    right = np.nonzero(centre[:, 0] < 0)[0]
    surface = np.zeros(len(body.skin), np.int64)
    surface[right] = _cut_right_half(body, body.skin[right])
    return _copy_to_left(body, surface)


def _copy_to_left(body: Body, surface: np.ndarray) -> np.ndarray:
    """Give the mirror image of every face the twin surface."""
    face_of = {tuple(sorted(f)): k for k, f in enumerate(body.skin.tolist())}
    image = np.array([face_of[tuple(sorted(f))] for f in body.mirror[body.skin].tolist()])
    return np.where(surface > 0, surface, SURFACE_TWIN[surface[image]])


def _cut_right_half(body: Body, faces: np.ndarray) -> np.ndarray:
    """Cut the right half: body parts by their bones, then every limb in two."""
    inside = {name: _inside(body, faces, bones) for name, bones in BONE_GROUPS.items()}
    every = np.ones(len(faces), bool)
    arm, leg, head = (_cut(body, faces, every, inside[n]) for n in ('arm', 'leg', 'head'))
    lower_arm = _cut(body, faces, arm, inside['lower arm'])
    hand = _cut(body, faces, lower_arm, inside['hand'])
    lower_leg = _cut(body, faces, leg, inside['lower leg'])
    foot = _cut(body, faces, lower_leg, inside['foot'])
    torso = ~(arm | leg | head)
    perineum = _cut(body, faces, torso, _perineum(body, faces, torso))
    thumb = body.head_of('finger1-1.R') - body.head_of('finger5-1.R')

    surface = np.zeros(len(faces), np.int64)
    surface[head], surface[hand], surface[foot] = 23, 3, 6
    for region, (back, front), bones, direction in (
            (torso & ~perineum, (1, 2), None, FRONT),
            (leg & ~lower_leg, (7, 9), ('upperleg01.R', 'lowerleg01.R'), FRONT),
            (lower_leg & ~foot, (11, 13), ('lowerleg01.R', 'foot.R'), FRONT),
            (arm & ~lower_arm, (18, 16), ('upperarm01.R', 'lowerarm01.R'), FRONT),
            (lower_arm & ~hand, (22, 20), ('lowerarm01.R', 'wrist.R'), thumb)):
        ahead = _cut(body, faces, region, _ahead(body, faces, region, bones, direction))
        surface[region & ahead], surface[region & ~ahead] = front, back
    surface[perineum] = 7
    return surface


def _inside(body: Body, faces: np.ndarray, bones: tuple[str, ...]) -> np.ndarray:
    """(F,) how far inside a region of bones a face is, as a distance."""
    columns = [k for k, name in enumerate(body.bone_names) if name.startswith(bones)]
    weight = body.weights[:, columns].sum(1)[faces].mean(1)
    return (weight - 0.5) * WEIGHT_TO_METRES


def _cut(body: Body, faces: np.ndarray, region: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Cut a region of the faces; (F,) bool, False outside the region."""
    positive = np.zeros(len(faces), bool)
    positive[region] = cut_in_two(body.vertices, faces[region], score[region])
    return positive


def _perineum(body: Body, faces: np.ndarray, torso: np.ndarray) -> np.ndarray:
    """How far inside the perineum a face is: the torso's lowest, between and behind the hips."""
    centre = body.vertices[faces].mean(1)
    lowest = centre[torso & (centre[:, 0] > -0.07), 2].min()
    behind = centre[:, 1] - body.head_of('upperleg01.R')[1] + PERINEUM_FORWARD
    return np.minimum.reduce(
        [centre[:, 0] + 0.06, lowest + PERINEUM_HEIGHT - centre[:, 2], behind])


def _ahead(body: Body, faces: np.ndarray, region: np.ndarray, bones: tuple[str, str] | None,
           direction: np.ndarray) -> np.ndarray:
    """How far in front of its middle a face of a limb or of the torso lies.

    The middle is halfway through the flesh, cross-section by cross-section along the axis.

    Args:
        body: gives the bones.
        faces: (F, 3).
        region: (F,) the faces that count.
        bones: from whose head to whose head the axis runs; None for the vertical.
        direction: (3,) where the front is.

    Returns:
        (F,) metres.
    """
    start, axis = np.zeros(3), np.array([0., 0., 1.])
    if bones is not None:
        start = body.head_of(bones[0])
        axis = body.head_of(bones[1]) - start
        axis = axis / np.linalg.norm(axis)
    direction = direction - direction @ axis * axis
    direction = direction / np.linalg.norm(direction)
    offset = body.vertices[faces].mean(1) - start
    along, ahead = offset @ axis, offset @ direction
    middle = _middle_line(along[region], ahead[region], degree=2 if bones else 3)
    return ahead - np.polyval(middle, along)


def _middle_line(along: np.ndarray, ahead: np.ndarray, degree: int) -> np.ndarray:
    """Fit a polynomial to the middles of 10 equally long cross-sections."""
    ends = np.linspace(along.min(), along.max(), 11)
    where, middle = [], []
    for low, high in zip(ends[:-1], ends[1:], strict=True):
        section = ahead[(along >= low) & (along <= high)]
        if len(section) > 5:
            where.append((low + high) / 2)
            middle.append(np.percentile(section, [3, 97]).mean())
    return np.polyfit(where, middle, degree)
