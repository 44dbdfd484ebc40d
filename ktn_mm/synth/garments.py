"""Where clothes and hair cover the body, and how far they stand off the skin.

Everything is decided in the rest pose of the mean body: a point of the skin knows where it lies
on the torso, along the arm, along the leg and on the head, whatever its person's shape and pose.
"""
from typing import NamedTuple

import numpy as np

from ktn_mm.surface.charts import SURFACES
from ktn_mm.synth.body import Body
from ktn_mm.synth.noise import noise
from ktn_mm.synth.outfits import Outfit


def _surfaces(noun: str, level: str | None = None, face: str | None = None) -> np.ndarray:
    table = np.zeros(len(SURFACES) + 1, bool)
    for surface in SURFACES:
        table[surface.index] = (surface.noun == noun and level in (None, surface.level)
                                and face in (None, surface.face))
    return table


IS_TORSO, IS_HEAD = _surfaces('torso'), _surfaces('head')
IS_ARM, IS_LEG = _surfaces('arm'), _surfaces('leg')
IS_HAND, IS_FOOT = _surfaces('hand'), _surfaces('foot')
IS_FRONT = _surfaces('torso', face='front')
IS_UPPER_ARM, IS_UPPER_LEG = _surfaces('arm', 'upper'), _surfaces('leg', 'upper')


SHOE_TIP = np.array([1.02, 1.1, .85])
SHOE_ROUNDNESS = 2.5


class Places(NamedTuple):
    """Where P points lie on the mean body at rest.

    Attributes:
        rest: (P, 3) metres.
        arm: (P,) along the arm: 0 shoulder, 1 elbow, 2 wrist.
        leg: (P,) along the leg: 0 hip, 1 knee, 2 ankle.
        torso: (P,) up the torso: 0 hips, 1 base of the neck.
        head: (P, 3) from between the eyes, in distances between the eyes; y is 0 at the tip of
            the nose and 1 at the back of the head.
        surface: (P,) 1..24.
    """

    rest: np.ndarray
    arm: np.ndarray
    leg: np.ndarray
    torso: np.ndarray
    head: np.ndarray
    surface: np.ndarray


class Tailor:
    """Measures the mean body once and answers where things lie on it."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.bone = {name: body.bone_heads[index] for name, index in body.bone.items()}
        rest, surface = body.vertices, body.vertex_surface
        head = rest[IS_HEAD[surface]]
        self._head_y = head[:, 1].min(), head[:, 1].max()
        self._skin = np.zeros(len(rest), bool)
        self._skin[body.faces[:body.num_skin_faces].reshape(-1)] = True
        self._foot = IS_FOOT[surface] & self._skin
        self._toes = self._foot & (rest[:, 1] < self.bone['toe3-1.L'][1] + .03)
        # Shoes are painted by where their closed shape lies, not by the toes inside.
        self.vertex = self._measure(self._close_toes(rest), surface)
        self.floor = float(self.vertex.rest[self._foot, 2].min())

    def _measure(self, rest: np.ndarray, surface: np.ndarray) -> Places:
        bone = self.bone
        side = np.where(rest[:, :1] < 0, [-1., 1, 1], [1., 1, 1])
        left = rest * side

        def along(start: str, middle: str, end: str, upper: np.ndarray) -> np.ndarray:
            values = []
            for a, b in ((start, middle), (middle, end)):
                axis = bone[b] - bone[a]
                values.append((left - bone[a]) @ axis / (axis @ axis))
            return np.where(upper, np.minimum(values[0], 1), 1 + np.maximum(values[1], 0))

        eyes = (bone['eye.L'] + bone['eye.R']) / 2
        apart = np.linalg.norm(bone['eye.L'] - bone['eye.R'])
        front, back = self._head_y
        head = (rest - eyes) / apart
        head[:, 1] = (rest[:, 1] - front) / (back - front)
        hip, neck = bone['upperleg01.L'][2], bone['neck01'][2]
        upper_arm = IS_UPPER_ARM[surface] | IS_TORSO[surface]
        upper_leg = IS_UPPER_LEG[surface] | IS_TORSO[surface]
        return Places(rest, along('upperarm01.L', 'lowerarm01.L', 'wrist.L', upper_arm),
                      along('upperleg01.L', 'lowerleg01.L', 'foot.L', upper_leg),
                      (rest[:, 2] - hip) / (neck - hip), head, surface)

    def places(self, faces: np.ndarray, weights: np.ndarray) -> Places:
        """Return where points inside faces lie.

        Args:
            faces: (P,) face indices.
            weights: (P, 3) barycentric weights.
        """
        corners = self.body.faces[faces]

        def mix(values: np.ndarray) -> np.ndarray:
            values = values.astype(np.float32)
            return np.einsum('pk,pk...->p...', weights, values[corners])

        vertex = self.vertex
        return Places(mix(vertex.rest), mix(vertex.arm), mix(vertex.leg), mix(vertex.torso),
                      mix(vertex.head), self.body.face_surface[faces])

    def dress(self, vertices: np.ndarray, outfit: Outfit) -> np.ndarray:
        """Return the vertices (N, 3) of a body at rest, pushed out to its clothes and hair."""
        worn = cover(self.vertex, outfit, self.bone)
        place = self.vertex
        off = np.zeros(len(vertices))
        flare = np.clip(1 - place.torso / .5, 0, 1) * (outfit.looseness > .007)
        off[worn.top] = (outfit.looseness * (1 + .9 * flare) + .003)[worn.top]
        cuff = np.clip(place.leg, 0, 2)
        wide = {'wide trousers': .022, 'leggings': .001, 'jeans': .006}.get(
            outfit.recipe.bottom, .010)
        off[worn.bottom] = (.003 + wide * (.35 + .35 * cuff))[worn.bottom]
        # Folds: longer along the limbs than around them.
        folds = noise(place.rest, (14, 14, 9), outfit.seed)
        off *= 1 + .42 * folds * (outfit.looseness > .005)
        depth = {'shaved': .002, 'short': .015, 'bob': .026, 'long': .022, 'beanie': .012,
                 'curly': .045, 'braid': .014}
        off[worn.hair] = depth.get(outfit.hair, 0.) * (
            1 + .22 * noise(place.rest, 30., outfit.seed + 1)[worn.hair])
        crown = worn.hair & (place.head[:, 2] > 1.2)
        off[crown] *= 1.25
        if outfit.hair in ('long', 'braid'):
            off[worn.hair & (place.head[:, 2] < -.8)] *= 1.5
        shod = self._foot & (outfit.shoes != 'barefoot')
        if outfit.shoes == 'boots':
            off[worn.shoe] = .011
        off[shod] = .007
        vertices = self._close_toes(vertices) if shod.any() else vertices
        for _ in range(2):
            off = np.where(shod, off, .5 * off + .5 * (self.body.smoothing @ off))
        off[~self._skin] = 0
        dressed = vertices + self.body.normals(vertices) * off[:, None]
        if shod.any():
            sole = shod & (place.rest[:, 2] < self.floor + .035)
            dressed[sole, 2] -= .008
        return dressed

    def _close_toes(self, vertices: np.ndarray) -> np.ndarray:
        """Melt the toes into the round tip of a shoe."""
        closed = vertices.copy()
        for side in (vertices[:, 0] < 0, vertices[:, 0] >= 0):
            tips = np.flatnonzero(self._toes & side)
            toes = vertices[tips]
            low, high = toes.min(0), toes.max(0)
            # A rounded box: half as wide as the toes, as long, and as high as the instep.
            center = np.array([(low[0] + high[0]) / 2, high[1], low[2]])
            extent = np.array([(high[0] - low[0]) / 2, high[1] - low[1], high[2] - low[2]])
            offset = np.maximum((toes - center) / (extent * SHOE_TIP), (-9, -9, 0))
            radius = (np.abs(offset) ** SHOE_ROUNDNESS).sum(1) ** (1 / SHOE_ROUNDNESS)
            shell = center + offset / np.maximum(radius, .3)[:, None] * extent * SHOE_TIP
            share = np.clip((high[1] - toes[:, 1]) / extent[1] / .5, 0, 1)[:, None]
            closed[tips] = (1 - share) * toes + share * shell
        rows, tips = self.body.smoothing[self._toes], np.flatnonzero(self._toes)
        for _ in range(10):
            closed[tips] = rows @ closed
        return closed


class Worn(NamedTuple):
    """What covers P points, (P,) bool each; nothing: bare skin."""

    top: np.ndarray
    bottom: np.ndarray
    shoe: np.ndarray
    sock: np.ndarray
    hair: np.ndarray


# Height of the hairline over the depth of the head, from the nose (0) to the back (1).
HAIRLINE = {
    'short': ((0, .12, .30, .42, .52, .62, .75, 1), (1.0, 1.0, .72, .2, .1, -.5, -1.1, -1.25)),
    'shaved': ((0, .12, .30, .42, .52, .62, .75, 1), (1.05, 1.05, .8, .25, .2, -.4, -.9, -1.0)),
    'bob': ((0, .14, .28, .36, .46, 1), (.82, .82, .5, -1.3, -1.5, -1.9)),
    'long': ((0, .14, .28, .38, .46, .55, 1), (.95, .95, .6, -1.0, -3.0, -9, -9)),
    'beanie': ((0, .3, .6, 1), (.62, .62, .0, -.6)),
    'curly': ((0, .12, .30, .38, .46, .62, .75, 1), (.9, .9, .6, -.1, -.6, -.9, -1.3, -1.5)),
    'braid': ((0, .12, .30, .42, .50, .60, 1), (1.0, 1.0, .78, .1, -.4, -2., -9)),
    'bald': ((0, .5, .65, 1), (9, 9, 9, 9)),
}


def cover(place: Places, outfit: Outfit, bone: dict[str, np.ndarray]) -> Worn:
    """Decide what covers each point.

    Args:
        place: P points.
        outfit: what its person wears.
        bone: where bones begin in the mean body.
    """
    surface, rest, torso = place.surface, place.rest, place.torso
    on_torso, on_head = IS_TORSO[surface], IS_HEAD[surface]
    on_arm, on_leg = IS_ARM[surface], IS_LEG[surface]
    neck = bone['neck01']
    aside = np.abs(rest[:, 0])

    # The neck hole: a ring around the neck, and a notch in front.
    ring = np.hypot(aside / .074, (rest[:, 2] - neck[2] - .012) / .05) < 1
    notch = IS_FRONT[surface] & (rest[:, 2] > neck[2] - .035 - outfit.drop
                                 + aside * outfit.drop / .07) & (aside < .07)
    collar = neck[2] + (.02 if outfit.recipe.top in ('zip jacket', 'sweater') else -1)
    open_neck = (ring | (notch & (rest[:, 2] > neck[2] - .11))) & (rest[:, 2] > collar - .02)
    # The border of the charts is jagged there; the neckline must not follow it.
    trunk = on_torso | (on_head & (rest[:, 2] < neck[2] + .03))
    top = trunk & (torso > outfit.hem) & ~open_neck
    top |= on_arm & (place.arm < outfit.sleeve)
    if outfit.recipe.top == 'tank top':
        top &= ~(on_arm | (on_torso & (torso > .62) & (aside > .115 + .05 * (1 - torso))))
    bottom = (on_torso & (torso < .24) & ~top) | (on_leg & (place.leg < outfit.leg))
    wears_shoes = outfit.shoes != 'barefoot'
    shaft = 1.72 if outfit.shoes == 'boots' else 1.93
    shoe = (IS_FOOT[surface] | (on_leg & (place.leg > shaft))) & wears_shoes
    sock = on_leg & (place.leg > 1.84) & ~shoe & ~bottom & wears_shoes

    depth, height = HAIRLINE[outfit.hair]
    head = place.head
    # Only the head and the upper torso can be under hair.
    near = np.flatnonzero((on_head | on_torso) & (torso > .6))
    wave = .10 * noise(rest[near], 40., outfit.seed + 1)
    hair = np.zeros(len(rest), bool)
    hair[near] = head[near, 2] > np.interp(head[near, 1], depth, height) + wave
    ear = (np.abs(head[:, 0]) > 1.16) & (np.abs(head[:, 2] + .37) < .5) & (head[:, 1] < .63)
    if outfit.hair in ('short', 'shaved', 'braid'):
        hair &= ~ear
    if outfit.hair in ('long', 'braid'):
        # Down the nape and onto the shoulder blades.
        tip = .72 + .03 * noise(rest, (50, 50, 8), outfit.seed + 2)
        width = .12 if outfit.hair == 'long' else .03
        hair &= ~(on_torso & ((torso < tip) | (aside > width) | IS_FRONT[surface]))
    else:
        hair &= on_head
    return Worn(top & ~hair, bottom & ~shoe, shoe, sock, hair)
