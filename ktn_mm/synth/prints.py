"""Patterns of more than two colours, writing and pictures on cloth."""
import cv2
import numpy as np

from ktn_mm.synth.garments import IS_ARM, IS_FRONT, IS_LEG, IS_TORSO, Places
from ktn_mm.synth.noise import noise
from ktn_mm.synth.outfits import Outfit

ARM_LENGTH, LEG_LENGTH = .28, .42
"""Metres from joint to joint, to carry patterns on along the limbs."""
CHEST = .50
"""Height of the middle of a print on the chest, in the mean body at rest."""


def across_and_down(place: Places) -> tuple[np.ndarray, np.ndarray]:
    """Return cloth coordinates in metres; on limbs they follow the limb."""
    rest = place.rest
    on_arm, on_leg = IS_ARM[place.surface], IS_LEG[place.surface]
    down = np.where(on_arm, .62 - ARM_LENGTH * place.arm, rest[:, 2])
    down = np.where(on_leg, -LEG_LENGTH * place.leg, down)
    across = np.where(on_arm, rest[:, 1], rest[:, 0] + .35 * rest[:, 1])
    return across, down


def cloth(place: Places, outfit: Outfit, kind: str, base: np.ndarray) -> np.ndarray:
    """Return the display colours (P, 3) of a pattern.

    Args:
        place: P points.
        outfit: with its ``extra``.
        kind: 'plaid', 'camo', 'flowers', 'fabric', 'writing', 'number' or 'picture'.
        base: (3,) the colour of the cloth.
    """
    rng = np.random.default_rng(outfit.seed + 11)
    across, down = across_and_down(place)
    palette = outfit.extra.palette
    color = np.tile(base.astype(np.float32), (len(across), 1))
    if kind == 'plaid':
        for scale, other in zip((1., .5, .23), palette, strict=False):
            period = rng.uniform(.07, .16) * scale
            width = rng.uniform(.15, .45)
            share = .45 * (np.mod(across / period, 1) < width)
            share = share + .45 * (np.mod(down / period, 1) < width)
            color += share[:, None] * (other - color)
    elif kind == 'camo':
        for layer, other in enumerate(palette[:3]):
            spots = noise(place.rest, (7, 7, 10), outfit.seed + 12 + layer) > .35
            color[spots] = .6 * other + .4 * base
    elif kind == 'flowers':
        period = rng.uniform(.03, .09)
        cell = np.floor(np.stack([across, down], 1) / period).astype(np.int64)
        chance = (cell[:, 0] * 73856093 ^ cell[:, 1] * 19349663) & 1023
        inner = np.stack([across, down], 1) / period - cell - .5
        inner += ((chance[:, None] >> np.array([0, 3])) & 7) / 7 * .3 - .15
        radius = np.hypot(*inner.T)
        petals = .30 + .10 * np.cos(5 * np.arctan2(*inner.T) + chance)
        grown = (radius < petals) & (chance % 4 > 0)
        color[grown] = palette[chance[grown] % 3]
        color[grown & (radius < .1)] = palette[3]
    elif kind == 'fabric' and outfit.extra.cutting is not None:
        color = _lay(outfit, np.stack([across, down], 1) / rng.uniform(.35, .8), 192)
    else:
        _chest(color, place, outfit, kind, rng)
    return color


def _lay(outfit: Outfit, at: np.ndarray, size: int) -> np.ndarray:
    """Return a photograph's colours at points (P, 2); it repeats, mirrored, with period 2."""
    picture = outfit.extra.cutting.show((size, size)).astype(np.float32) / 255
    fold = np.abs(np.mod(at, 2) - 1)
    column, row = np.minimum((fold * size).astype(np.int64), size - 1).T
    return picture[row, column]


def _chest(color: np.ndarray, place: Places, outfit: Outfit, kind: str,
           rng: np.random.Generator) -> None:
    """Print on the chest, on the back or on both, in place."""
    sides = rng.choice(3, p=(.55, .2, .25))
    front = IS_FRONT[place.surface]
    shown = IS_TORSO[place.surface] & (front if sides == 0 else ~front if sides == 1 else True)
    # What is read from left to right runs to the person's left in front, to the right behind.
    u = np.where(front, place.rest[:, 0], -place.rest[:, 0])
    v = CHEST + rng.uniform(-.04, .03) - place.rest[:, 2]
    if kind == 'picture' and outfit.extra.cutting is not None:
        extent = rng.uniform((.07, .07), (.13, .15))
        on = shown & (np.abs(u) < extent[0]) & (np.abs(v) < extent[1])
        at = np.stack([u[on] / extent[0], v[on] / extent[1]], 1) / 2 + .5
        color[on] = _lay(outfit, 1 - at, 128)
        return
    number = kind == 'number'
    bitmap = (_bitmap([str(outfit.extra.number)]) if number
              else _bitmap(outfit.extra.words[:1 + int(rng.random() < .4)]))
    height = rng.uniform(.14, .2) if number else rng.uniform(.04, .07) * (bitmap.shape[0] / 40)
    width = min(height * bitmap.shape[1] / bitmap.shape[0], .28)
    column = ((u / width + .5) * bitmap.shape[1]).astype(np.int64)
    row = ((v / height + .5) * bitmap.shape[0]).astype(np.int64)
    on = shown & (np.abs(u) < .499 * width) & (np.abs(v) < .499 * height)
    ink = np.zeros(len(u), bool)
    ink[on] = bitmap[row[on], column[on]] > 127
    color[ink] = outfit.second_color


def _bitmap(lines: list[str] | tuple[str, ...]) -> np.ndarray:
    """Return lines of writing as a uint8 picture, 40 rows each."""
    rows = []
    for line in lines:
        (width, _), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_DUPLEX, 1.1, 4)
        row = np.zeros((40, width + 8), np.uint8)
        cv2.putText(row, line, (4, 33), cv2.FONT_HERSHEY_DUPLEX, 1.1, 255, 4)
        rows.append(row)
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(row, ((0, 0), ((width - row.shape[1]) // 2,
                                                 (width - row.shape[1] + 1) // 2)))
                           for row in rows])
