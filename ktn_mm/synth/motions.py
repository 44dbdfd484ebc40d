"""Poses of recorded people: frames of motion-capture clips, as angles of :mod:`poses`.

Every clip belongs to one split, so that validation and test show motions never trained on.
"""
import functools
from pathlib import Path

import numpy as np

from ktn_mm.synth.poses import LIMITS, PARAMETERS, BasePose, mirror

MOTIONS = Path(__file__).resolve().parent / 'motions.npz'

# How often a clip is drawn, relative to the others of its split: people who stand, walk and
# move about are photographed more often than people who lie on the floor.
CLIPS = {
    'walk': ('train', 3.), 'jump': ('train', 1.5), 'dance_a': ('train', 3.), 'kick': ('train', 1.),
    'getup_facedown': ('train', 1.), 'crawl': ('train', .5), 'spinkick': ('train', .8),
    'roll': ('train', .4), 'backflip': ('train', .4),
    'run': ('val', 3.), 'spin': ('val', 2.), 'getup_faceup': ('val', 1.),
    'dance_b': ('test', 3.), 'punch': ('test', 2.), 'cartwheel': ('test', .5),
}
"""Name of each clip: its split and its weight."""


def _limits() -> np.ndarray:
    limits = LIMITS[:, :2].copy()
    for axis, bound in (('pitch', 100), ('roll', 55)):
        limits[PARAMETERS.index(f'pelvis.{axis}')] = -bound, bound
    limits.setflags(write=False)
    return limits


MOTION_LIMITS = _limits()
"""(D, 2): as :data:`poses.LIMITS`, but for the pelvis, for people crawl and get up."""


@functools.lru_cache(maxsize=3)
def load_motions(split: str) -> tuple[tuple[BasePose, ...], np.ndarray]:
    """Return the recorded poses of a split and the probability of each.

    Raises:
        FileNotFoundError: if the package's file is missing.
    """
    if not MOTIONS.is_file():
        raise FileNotFoundError(f'no motions at {MOTIONS}; tools/build_motions.py writes them')
    names = list(CLIPS)
    with np.load(MOTIONS, allow_pickle=False) as file:
        angles, clips = file['poses'].astype(np.float64), file['clips']
        frames, airborne = file['frames'], file['airborne']
    counts = np.bincount(clips, minlength=len(names))
    poses, weights = [], []
    for row, clip in enumerate(clips):
        owner, weight = CLIPS[names[clip]]
        if owner != split:
            continue
        poses.append(BasePose(f'{names[clip]} {frames[row]}', split, weight / counts[clip],
                              'air' if airborne[row] else 'feet', angles[row]))
        weights.append(weight / counts[clip])
    chances = np.array(weights)
    return tuple(poses), chances / chances.sum()


def draw_motion(rng: np.random.Generator, split: str) -> tuple[BasePose, np.ndarray]:
    """Draw a recorded pose, half of the time mirrored, a little jittered.

    Returns:
        The recorded pose and the (D,) angles, within :data:`MOTION_LIMITS`.
    """
    poses, chances = load_motions(split)
    base = poses[rng.choice(len(poses), p=chances)]
    angles = mirror(base.angles) if rng.random() < .5 else base.angles
    # Hands and head were hardly recorded: they get the jitter of the table's poses.
    loose = [name.split('.')[-1] in ('roll', 'wrist', 'curl') or name.startswith('head')
             for name in PARAMETERS]
    scale = np.where(loose, 1., .6)
    angles = angles + rng.standard_normal(len(angles)) * LIMITS[:, 2] * scale
    return base, np.clip(angles, MOTION_LIMITS[:, 0], MOTION_LIMITS[:, 1])
