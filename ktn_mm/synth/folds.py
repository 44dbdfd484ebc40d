"""Folds of cloth that the mesh is too coarse for: they bend the light, not the surface."""
import numpy as np

from ktn_mm.synth.camera import Camera
from ktn_mm.synth.garments import IS_ARM, IS_LEG, IS_TORSO, Places, cover
from ktn_mm.synth.noise import noise
from ktn_mm.synth.outfits import Outfit

STEEPEST = 1.1
"""Limit of the slope of a fold."""
TIGHT = {'leggings': .25, 'tank top': .5}


def relief(place: Places, outfit: Outfit, bone: dict[str, np.ndarray],
           skirt: np.ndarray) -> np.ndarray:
    """Return how far folds stand out, (P,) float32 metres; 0 where there is no cloth.

    Args:
        place: P points.
        outfit: what their person wears.
        bone: where bones begin in the mean body.
        skirt: (P,) bool, points of a skirt.
    """
    worn = cover(place, outfit, bone)
    cloth = np.flatnonzero((worn.top | worn.bottom) & ~skirt)
    height = np.zeros(len(place.arm), np.float32)
    rest = place.rest[cloth]
    surface, arm, leg = place.surface[cloth], place.arm[cloth], place.leg[cloth]
    # Cloth bunches up where the body bends, and above hems.
    bunched = (np.exp(-((arm - 1) / .22) ** 2) * IS_ARM[surface]
               + np.exp(-((leg - 1) / .18) ** 2) * IS_LEG[surface]
               + np.exp(-((leg - 1.9) / .12) ** 2) * IS_LEG[surface]
               + np.exp(-(leg / .22) ** 2) * IS_LEG[surface]
               + np.exp(-((place.torso[cloth] - .2) / .18) ** 2) * IS_TORSO[surface])
    tight = np.where(worn.bottom[cloth], TIGHT.get(outfit.recipe.bottom, 1.),
                     TIGHT.get(outfit.recipe.top, 1.))
    # Ridges: where the noise changes sign. Long ones run down, short ones across.
    long = 1 - np.abs(noise(rest, (9, 9, 4), outfit.seed + 8))
    short = 1 - np.abs(noise(rest, (8, 8, 20), outfit.seed + 9))
    loose = np.float32(np.clip(outfit.looseness / .009, .5, 1.8))
    height[cloth] = tight * loose * (.0055 * long + .0085 * bunched * short)
    if skirt.any():
        # A skirt falls in folds that run down.
        height[skirt] = .012 * noise(place.rest[skirt], (11, 11, .8), outfit.seed + 10)
    return height


def bend(normals: np.ndarray, height: np.ndarray, sample: np.ndarray, depth: np.ndarray,
         owner: np.ndarray, camera: Camera, factor: int) -> np.ndarray:
    """Bend normals as a relief does.

    Args:
        normals: (P, 3) float32 unit normals of the surface.
        height: (P,) of the relief above it, metres.
        sample: (P,) flat indices of the samples.
        depth: (P,) metres.
        owner: (P,) whose sample it is; slopes are not taken across owners.
        camera: of the picture.
        factor: by which the samples are finer than pixels.

    Returns:
        (P, 3) float32 unit normals.
    """
    width, rows = camera.size[0] * factor, camera.size[1] * factor
    number = np.full(width * rows + 1, -1, np.int64)
    number[sample] = np.arange(len(sample))
    slope = np.zeros((len(sample), 2), np.float32)
    spacing = depth / (camera.focal * factor)
    column = sample % width
    for axis, step, limit in ((0, 1, width - 1), (1, width, None)):
        ahead = np.minimum(sample + step, width * rows)
        behind = np.maximum(sample - step, 0)
        after, before = number[ahead], number[behind]
        good = (after >= 0) & (before >= 0)
        if limit is not None:
            good &= (column > 0) & (column < limit)
        good &= (owner[after] == owner) & (owner[before] == owner)
        good &= np.abs(depth[after] - depth[before]) < 12 * spacing + .02
        slope[good, axis] = ((height[after] - height[before]) / (2 * spacing))[good]
    steepness = np.sqrt((slope ** 2).sum(1))
    slope *= (STEEPEST / np.maximum(steepness, STEEPEST))[:, None].astype(np.float32)
    uphill = slope @ camera.axes[:2].astype(np.float32)
    uphill -= np.einsum('pd,pd->p', uphill, normals)[:, None] * normals
    bent = normals - uphill
    return bent / np.sqrt(np.einsum('pd,pd->p', bent, bent))[:, None]
