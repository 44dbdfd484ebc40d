"""The colour of skin, hair and cloth."""
import numpy as np

from ktn_mm.synth.garments import (
    IS_ARM,
    IS_FOOT,
    IS_FRONT,
    IS_HEAD,
    IS_LEG,
    IS_TORSO,
    Places,
    Worn,
    cover,
)
from ktn_mm.synth.noise import noise
from ktn_mm.synth.outfits import COLOURFUL, SKIRTS, Outfit
from ktn_mm.synth.prints import ARM_LENGTH, cloth


def paint(place: Places, eyeball: np.ndarray, outfit: Outfit, bone: dict[str, np.ndarray],
          skirt: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the linear albedo (P, 3) float32 and the gloss (P,) of points.

    Args:
        place: P points.
        eyeball: (P,) bool.
        outfit: what their person wears.
        bone: where bones begin in the mean body.
        skirt: (P,) bool, points of a skirt; None for none.
    """
    worn = cover(place, outfit, bone)
    if skirt is not None and skirt.any():
        worn = Worn(worn.top & ~skirt, worn.bottom | skirt, worn.shoe & ~skirt,
                    worn.sock & ~skirt, worn.hair & ~skirt)
    bare = ~(worn.top | worn.bottom | worn.shoe | worn.hair)
    color = np.empty((len(bare), 3), np.float32)
    color[bare] = _skin(Places(*(values[bare] for values in place)), outfit)
    gloss = np.full(len(color), .05, np.float32)
    grain = 1 + .025 * noise(place.rest, 90., outfit.seed + 3, smooth=False)
    for mask, painter, shine in ((worn.sock, _sock, 0.), (worn.bottom, _bottom, .01),
                                 (worn.top, _top, .01), (worn.shoe, _shoe, .06),
                                 (worn.hair, _hair, .05)):
        if mask.any():
            part = Places(*(values[mask] for values in place))
            color[mask] = painter(part, outfit) * grain[mask, None]
            gloss[mask] = shine
    _edges(color, place, worn, outfit)
    if eyeball.any():
        color[eyeball] = _eye(place.head[eyeball], outfit)
        gloss[eyeball] = .3
    return np.clip(color, .004, .96) ** np.float32(2.2), gloss


def _skin(place: Places, outfit: Outfit) -> np.ndarray:
    x, depth, z = place.head.T
    side = np.abs(x)
    tone = 1 + .025 * noise(place.rest, 25., outfit.seed + 4)
    color = (outfit.skin * tone[:, None]).astype(np.float32)
    face = IS_HEAD[place.surface] & (depth < .45)

    def blob(at: tuple[float, float], radius: tuple[float, float]) -> np.ndarray:
        distance = ((side - at[0]) / radius[0]) ** 2 + ((z - at[1]) / radius[1]) ** 2
        return np.where(face, np.exp(-distance), 0)[:, None].astype(np.float32)

    color *= 1 - blob((.62, -.5), (.35, .35)) * np.float32([.02, .12, .12])
    color *= 1 - .38 * blob((.5, .05), (.34, .20))                 # the shade of the sockets
    color *= 1 - .5 * blob((.13, -.72), (.12, .07))                # nostrils
    color *= 1 - .25 * blob((0, -1.52), (.3, .06))                 # under the lip
    lips = np.clip(2.2 * blob((0, -1.17), (.36, .13)), 0, 1)
    color = color * (1 - lips) + lips * color * np.float32([.80, .48, .48])
    color *= 1 - .45 * blob((0, -1.17), (.34, .025))               # between the lips
    arch = .42 + .10 * np.cos((side - .55) * 3)
    brow = np.clip(1.6 - np.abs(z - arch) / .075, 0, 1) * ((side > .18) & (side < .86) & face)
    brow = (.85 * brow[:, None]).astype(np.float32)
    color = color * (1 - brow) + brow * np.minimum(outfit.hair_color * .7, .3 * color)
    lash = (np.abs(z - .13) < .035) & (np.abs(side - .5) < .24) & face & (depth < .25)
    color[lash] *= .35
    if outfit.extra is not None and outfit.extra.glasses:
        color = _glasses(color, side, z, face, dark=outfit.extra.glasses == 'dark')
    if outfit.beard:
        line = -1.05 - .5 * np.clip(.25 - depth, 0, 1) + .9 * np.clip(depth - .2, 0, .3)
        grown = IS_HEAD[place.surface] & (z < line) & (z > -1.9) & (depth < .45)
        grown &= (lips[:, 0] < .3)
        grown |= face & (np.abs(z + .93) < .08) & (side < .42)     # moustache
        share = np.float32(outfit.beard * .85)
        color[grown] = (1 - share) * color[grown] + share * outfit.hair_color
    return color.astype(np.float32)


def _glasses(color: np.ndarray, side: np.ndarray, z: np.ndarray, face: np.ndarray, *,
             dark: bool) -> np.ndarray:
    """Return the skin's colours with glasses painted on."""
    radius = (np.abs((side - .52) / .38) ** 3 + np.abs((z - .02) / .30) ** 3) ** (1 / 3)
    bridge = (side < .2) & (np.abs(z - .1) < .05)
    frame = face & (((radius > .86) & (radius < 1.05)) | bridge)
    if dark:
        frame |= face & (radius < 1)
    return np.where(frame[:, None], np.float32(.06), color)


def _eye(head: np.ndarray, outfit: Outfit) -> np.ndarray:
    if outfit.extra is not None and outfit.extra.glasses == 'dark':
        return np.full((len(head), 3), .05, np.float32)
    distance = np.hypot(np.abs(head[:, 0]) - .5, head[:, 2])
    color = np.full((len(head), 3), .80, np.float32)
    iris = np.array([[.25, .15, .08], [.22, .33, .42], [.25, .32, .2]])[outfit.seed % 3]
    color[distance < .115] = iris
    color[distance < .055] = .02
    return color


def _hair(place: Places, outfit: Outfit) -> np.ndarray:
    if outfit.hair == 'beanie' and outfit.extra is not None and outfit.extra.cap:
        panel = np.mod(np.arctan2(place.rest[:, 0], place.rest[:, 1]) / np.pi * 3, 1) < .05
        logo = (np.abs(place.head[:, 0]) < .35) & (np.abs(place.head[:, 2] - 1.6) < .3)
        logo &= place.head[:, 1] < .35
        color = np.where(panel, .7, 1)[:, None] * outfit.accent
        color[logo] = outfit.extra.palette[1]
        return color
    if outfit.hair == 'beanie':
        rib = .9 + .1 * np.sin(place.rest[:, 0] * 260)
        rim = place.head[:, 2] < np.interp(place.head[:, 1], (0, .3, .6, 1), (.95, .95, .4, -.2))
        return outfit.accent * rib[:, None] * np.where(rim, .8, 1)[:, None]
    strand = 1 + .30 * noise(place.rest, (85, 85, 18), outfit.seed + 5, smooth=False)
    color = outfit.hair_color * strand[:, None]
    if outfit.hair == 'shaved':
        return .55 * color + .45 * outfit.skin * .6
    return color


def _sock(place: Places, outfit: Outfit) -> np.ndarray:
    return np.broadcast_to(np.full(3, .9 if outfit.seed % 3 else .12), (len(place.arm), 3))


def _shoe(place: Places, outfit: Outfit) -> np.ndarray:
    height = place.rest[:, 2] - place.rest[:, 2].min()
    color = np.tile(outfit.shoe_color, (len(height), 1))
    foot = IS_FOOT[place.surface]
    toe = np.clip((-.10 - place.rest[:, 1]) / .08, 0, 1)
    color[foot & (height < .014)] = outfit.sole_color
    if outfit.shoes == 'sneakers':
        tongue = foot & (height > .05) & (toe < .6) & (toe > 0)
        laces = tongue & (np.sin(place.rest[:, 1] * 420) > .1)
        color[laces] = outfit.sole_color
        color[foot & (height > .014) & (toe > .75)] *= .75
    return color


def _bottom(place: Places, outfit: Outfit) -> np.ndarray:
    rest = place.rest
    worn = 1 + .07 * noise(rest, (10, 10, 5), outfit.seed + 6)
    kind = outfit.recipe.bottom
    extra = outfit.extra
    if kind == 'dress':
        return _cloth_of_top(place, outfit) * worn[:, None]
    if extra is not None and extra.bottom_print in COLOURFUL:
        color = cloth(place, outfit, extra.bottom_print, outfit.bottom_color) * worn[:, None]
    else:
        color = outfit.bottom_color * worn[:, None]
        if extra is not None and extra.bottom_print == 'bands':
            color[np.mod(place.leg * 9, 1) < .4] = extra.palette[0]
        elif extra is not None and extra.bottom_print == 'side':
            color[(np.abs(rest[:, 1]) < .022) & (np.abs(rest[:, 0]) > .12)] = extra.palette[0]
    aside = np.abs(rest[:, 0])
    on_torso = IS_TORSO[place.surface]
    front = on_torso & (rest[:, 1] < -.04)
    if kind in ('jeans', 'chinos', 'shorts', 'knee shorts'):
        fly = front & (aside < .006)
        color[fly] *= .5
        back = on_torso & (rest[:, 1] > .03)
        inside = (np.abs(aside - .085) < .05) & (np.abs(place.torso + .03) < .11)
        core = (np.abs(aside - .085) < .043) & (np.abs(place.torso + .03) < .097)
        color[back & inside & ~core] *= .55
    if kind == 'jeans':
        fade = np.exp(-((place.leg - .45) / .35) ** 2) * (rest[:, 1] < -.03)
        color = color * (1 + .35 * fade[:, None])
    if kind in ('shorts', 'leggings') and outfit.seed % 2:
        stripe = (place.leg > -.2) & (np.abs(rest[:, 1]) < .016) & (aside > .12)
        color[stripe] = outfit.accent
    belt = on_torso & (place.torso > .16)
    if outfit.hem > .1 and kind not in ('leggings', 'skirt'):
        color[belt] = (.09, .06, .05)
        color[belt & front & (aside < .022)] = (.75, .7, .55)
    return color


def _pattern(place: Places, outfit: Outfit) -> np.ndarray:
    """Return where the second colour shows, (P,) 0..1."""
    rest, kind = place.rest, outfit.recipe.pattern
    rng = np.random.default_rng(outfit.seed)
    period = rng.uniform(.035, .11)
    on_arm = IS_ARM[place.surface]
    # On the sleeves patterns follow the arm.
    down = np.where(on_arm, .62 - ARM_LENGTH * place.arm, rest[:, 2])
    across = np.where(on_arm, rest[:, 1], rest[:, 0])
    if kind == 'bands':
        return (np.mod(down / period, 1) < rng.uniform(.3, .6)).astype(np.float32)
    if kind == 'pinstripes':
        return (np.mod(across / (.5 * period), 1) < .3).astype(np.float32)
    if kind == 'checks':
        warp = np.mod(across / period, 1) < .5
        weft = np.mod(down / period, 1) < .5
        return .5 * warp + .5 * weft
    if kind == 'dots':
        u = np.mod(np.stack([across, down], 1) / (.6 * period), 1) - .5
        return (np.hypot(u[:, 0], u[:, 1]) < .28).astype(np.float32)
    if kind == 'blobs':
        return (noise(rest, 9., outfit.seed + 7) > .35).astype(np.float32)
    if kind == 'yoke':
        return ((place.torso > .72) | (on_arm & (place.arm < rng.uniform(.2, 2)))).astype(
            np.float32)
    if kind == 'print':
        return _print(rest, IS_FRONT[place.surface], rng)
    return np.zeros(len(rest), np.float32)


def _print(rest: np.ndarray, front: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture or a line of writing on the chest."""
    u = rest[:, 0] / rng.uniform(.07, .11)
    v = (rest[:, 2] - .50) / rng.uniform(.05, .10)
    kind = rng.integers(4)
    if kind == 0:
        shape = np.hypot(u, v) < 1
    elif kind == 1:
        letters = np.random.default_rng(int(rng.integers(1 << 30))).random(16) < .65
        column = np.clip(((u + 1) * 8).astype(int), 0, 15)
        shape = (np.abs(u) < 1) & (np.abs(v) < .35) & letters[column]
    elif kind == 2:
        shape = (np.abs(u) < 1) & (np.abs(v) < 1) & ~((np.abs(u) < .6) & (np.abs(v) < .6))
    else:
        shape = (v > -1) & (v < 1 - 2 * np.abs(u))
    return (shape & front).astype(np.float32)


def _cloth_of_top(place: Places, outfit: Outfit) -> np.ndarray:
    if outfit.recipe.pattern in COLOURFUL:
        return cloth(place, outfit, outfit.recipe.pattern, outfit.top_color)
    share = _pattern(place, outfit)[:, None]
    return outfit.top_color * (1 - share) + outfit.second_color * share


def _top(place: Places, outfit: Outfit) -> np.ndarray:
    rest, kind = place.rest, outfit.recipe.top
    color = _cloth_of_top(place, outfit)
    if kind in ('sweater', 'zip jacket'):
        color = color * (1 + .05 * np.sin(rest[:, 2:] * 500))
    front = IS_FRONT[place.surface]
    aside = np.abs(rest[:, 0])
    if kind == 'button shirt':
        color[front & (np.abs(aside - .018) < .0022)] *= .55
        button = front & (np.hypot(rest[:, 0], np.mod(rest[:, 2], .075) - .03) < .008)
        color[button] = .92 if outfit.top_color.mean() < .5 else .1
        color[place.torso > .955] = .9 * outfit.top_color + .05
        pocket = front & (np.abs(rest[:, 0] - .075) < .035) & (np.abs(rest[:, 2] - .52) < .04)
        rim = pocket & ((np.abs(rest[:, 0] - .075) > .031) | (rest[:, 2] > .547))
        color[rim] *= .6
    elif kind == 'zip jacket':
        color[front & (aside < .011)] = .3 * outfit.top_color
        color[front & (aside < .0045)] = .75
        pocket = front & (np.abs(aside - .10) < .008) & (np.abs(place.torso - .17) < .09)
        color[pocket] *= .4
    elif kind == 'open jacket':
        opening = .028 + .055 * np.clip(place.torso, 0, 1)
        shirt = front & (aside < opening)
        color[shirt] = outfit.accent
        color[front & (aside >= opening) & (aside < opening + .007)] *= .45
        if outfit.seed % 3 == 0:
            tie = shirt & (aside < .02 + .012 * (1 - place.torso)) & (place.torso > .2)
            color[tie] = outfit.second_color * .7
    return color


def _edges(color: np.ndarray, place: Places, worn: Worn, outfit: Outfit) -> None:
    """Darken seams: the hem of the top, cuffs and the ends of trousers."""
    near_hem = worn.top & IS_TORSO[place.surface] & (place.torso < outfit.hem + .022)
    cuff = worn.top & IS_ARM[place.surface] & (np.abs(place.arm - outfit.sleeve) < .05)
    end = worn.bottom & IS_LEG[place.surface] & (np.abs(place.leg - outfit.leg) < .022)
    end &= outfit.recipe.bottom not in SKIRTS
    color[near_hem | cuff | end] *= .68
