"""Draw a scene as photographs show people: crowds, cut off, behind things, in clutter."""
from pathlib import Path

import numpy as np

from ktn_mm.synth.camera import Camera, look_at
from ktn_mm.synth.clothed_body import ClothedBody
from ktn_mm.synth.contact import Contact
from ktn_mm.synth.environments import find_photos, load_environments
from ktn_mm.synth.film import draw_film
from ktn_mm.synth.garments import Tailor
from ktn_mm.synth.motions import MOTION_LIMITS, draw_motion
from ktn_mm.synth.obstacles import draw_clutter, draw_obstacles
from ktn_mm.synth.poses import LIMITS, PARAMETERS, draw_pose
from ktn_mm.synth.scene import (
    MEAN_HEIGHT,
    Look,
    Person,
    Scene,
    draw_spots,
    draw_sun,
    draw_things,
    place_person,
    turn_matrix,
)
from ktn_mm.synth.wardrobe import draw_rich_outfit

COUNT_SHARES = {1: .42, 2: .27, 3: .14, 4: .07, 5: .05, 6: .03, 8: .02}
"""Of pictures with so many people."""
FRAMINGS = {'whole': (.38, (.55, .96)), 'small': (.09, (.24, .5)), 'knees': (.14, (1.05, 1.4)),
            'waist': (.19, (1.4, 2.2)), 'bust': (.13, (2.2, 3.6)), 'headless': (.07, (1.1, 2.))}
"""What the frame shows of the people in front: its share of the pictures, and bounds of a
person's height, relative to the picture's."""
MOTION_SHARE = .45
"""Of people in a recorded pose; the others' are drawn from the table of poses."""
PHOTO_SHARE = .5
HELD = {'telephone': (.075, .012, .15), 'bottle': (.07, .07, .24), 'bag': (.32, .12, .36),
        'book': (.16, .03, .22), 'stick': (.035, .035, .9), 'box': (.3, .22, .2),
        'board': (.24, .03, .85)}
"""Extents in metres of what hands hold."""
STEEPEST = .55
"""How far cameras are above or below what they look at, relative to their distance."""
SHORT_HEM = 14
"""Last ring of the skirt of somebody who sits or lifts a knee."""
_FLEX, _KNEE = ([i for i, name in enumerate(PARAMETERS) if name.endswith(end)]
                for end in ('leg.flex', 'leg.knee'))
LEFT_WRIST, RIGHT_WRIST, LEFT_ELBOW, RIGHT_ELBOW = 9, 10, 7, 8


def stage_scene(rng: np.random.Generator, split: str, size: tuple[int, int], body: ClothedBody,
                tailor: Tailor, contact: Contact) -> Scene:
    """Draw a scene of a split.

    Args:
        rng: where chance comes from.
        split: 'train', 'val' or 'test': which clips, poses, outfits and places may be drawn.
        size: (w, h) of the picture.
        body: the body of everybody.
        tailor: who dresses it.
        contact: keeps limbs out of the body.
    """
    photos = find_photos(split)
    count = int(rng.choice(list(COUNT_SHARES), p=list(COUNT_SHARES.values())))
    names, shares = list(FRAMINGS), [share for share, _ in FRAMINGS.values()]
    framing = str(rng.choice(names, p=shares))
    share = rng.uniform(*FRAMINGS[framing][1])
    focal = max(size) * np.exp(rng.uniform(np.log(.8), np.log(2.4)))
    distance = focal * MEAN_HEIGHT / (share * size[1])
    spots = _draw_crowd(rng, count, distance, focal, size[0])
    people = tuple(_draw_person(rng, split, body, tailor, contact, spot, distance, photos)
                   for spot in spots)
    camera = _draw_camera(rng, people[0], framing, share, distance, focal, size)
    places = load_environments(split)
    environment = places[rng.integers(len(places))]
    photo = photos[rng.integers(len(photos))] if photos and rng.random() < PHOTO_SHARE else None
    turn, sun, strength = draw_sun(rng, environment, indoor=photo is not None)
    things = draw_things(rng, spots, distance, size[0] / focal)
    things += tuple(box for person in people for box in _draw_belongings(rng, person))
    clutter = draw_clutter(rng, photos, size, int(rng.choice(
        [0, 2, 5, 9], p=[.45, .3, .15, .1] if photo else [.2, .3, .3, .2])))
    look = Look(clutter, float(rng.choice([0, rng.uniform(.3, 3.)], p=[.45, .55])),
                float(rng.uniform(.2, .8)), draw_film(rng))
    screens = draw_obstacles(rng, people, camera, photos) if rng.random() < .36 else ()
    return Scene(people, camera, environment, turn, photo, sun, strength, screens, things, look)


def _draw_crowd(rng: np.random.Generator, count: int, distance: float, focal: float,
                width: int) -> np.ndarray:
    """Return where people stand, (count, 2): up to three in front, others farther away."""
    front = draw_spots(rng, min(count, 3), distance, focal, width)
    spots = list(front[np.argsort(np.abs(front[:, 0]), kind='stable')])
    while len(spots) < count:
        ahead = rng.uniform(.6, 2. + .8 * distance)
        aside = rng.uniform(-.55, .55) * width / focal * (distance + ahead)
        # Tried a few times; in a crowd people may come close.
        for _ in range(5):
            if min(np.hypot(*(spot - (aside, ahead))) for spot in spots) > .5:
                break
            aside += rng.uniform(-.8, .8)
        spots.append(np.array([aside, ahead]))
    return np.array(spots)


def _draw_person(rng: np.random.Generator, split: str, body: ClothedBody, tailor: Tailor,
                 contact: Contact, spot: np.ndarray, distance: float,
                 photos: tuple[Path, ...]) -> Person:
    figure = body.shape(np.clip(1.15 * rng.standard_normal(body.num_shapes), -2.3, 2.3))
    if rng.random() < MOTION_SHARE:
        base, angles = draw_motion(rng, split)
        limits = MOTION_LIMITS
    else:
        base, angles = draw_pose(rng, split)
        limits = LIMITS[:, :2]
    outfit = draw_rich_outfit(rng, split, photos)
    hem = outfit.extra.hem
    if angles[_FLEX].max() > 40 or angles[_KNEE].max() > 60:
        # Cloth hangs from the thighs alone: it must end above a bent knee.
        hem = min(hem, SHORT_HEM)
    clothed = body.hang(tailor.dress(figure.vertices, outfit), hem, outfit.extra.flare,
                        shod=outfit.shoes != 'barefoot')
    _, vertices, _ = contact.part(figure, angles, clothed, limits)
    size = rng.uniform(.66, .88) if rng.random() < .07 else np.clip(rng.normal(1, .035), .9, 1.1)
    return place_person(rng, body, vertices * size, outfit, base, spot, distance)


def _draw_camera(rng: np.random.Generator, first: Person, framing: str, share: float,
                 distance: float, focal: float, size: tuple[int, int]) -> Camera:
    """Draw where the camera is and what of the first person it shows."""
    kind = rng.choice(['eye', 'low', 'high'], p=[.8, .09, .11])
    height = {'eye': rng.uniform(.9, 1.8), 'low': rng.uniform(.25, .9),
              'high': rng.uniform(1.8, 1.8 + .3 * min(distance, 5.))}[str(kind)]
    top, bottom = first.vertices[:, 2].max(), first.vertices[:, 2].min()
    seen = MEAN_HEIGHT / share
    if framing in ('whole', 'small'):
        target = (top + bottom) / 2 + rng.normal(0, .07) * seen
    elif framing == 'headless':
        target = bottom + rng.uniform(.3, .5) * seen
    else:
        target = top + rng.uniform(-.5, -.32) * seen
    # Close cameras look up or down by less than their distance.
    height = np.clip(height, target - STEEPEST * distance, target + STEEPEST * distance)
    aside = rng.uniform(-.3, .3) * (rng.random() < .5) * size[0] / focal * distance
    tilt = rng.normal(0, 14) if rng.random() < .06 else rng.normal(0, 2.)
    middle = first.vertices.mean(0)
    return look_at(np.array([0, -distance, height]),
                   np.array([.75 * middle[0] + aside, middle[1], target]), focal, size, tilt=tilt)


def _draw_belongings(rng: np.random.Generator, person: Person) -> list[np.ndarray]:
    """Return boxes (8, 3) for what a person holds, and the peak of a cap."""
    boxes = []
    if rng.random() < .2:
        wrist, elbow = ((LEFT_WRIST, LEFT_ELBOW) if rng.random() < .5
                        else (RIGHT_WRIST, RIGHT_ELBOW))
        ahead = person.keypoints[wrist] - person.keypoints[elbow]
        ahead /= max(np.linalg.norm(ahead), 1e-6)
        kind = str(rng.choice(list(HELD)))
        extent = np.array(HELD[kind]) * rng.uniform(.8, 1.25)
        hand = person.keypoints[wrist] + .09 * ahead
        turn = turn_matrix(rng.uniform(0, 360))
        if kind == 'bag':
            hand = hand - np.array([0, 0, extent[2] / 2 + .04])
        else:
            hand = hand + .05 * turn[:, 1]
            lean = np.radians(rng.uniform(-50, 50))
            turn = turn @ np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)],
                                    [0, np.sin(lean), np.cos(lean)]])
        boxes.append(hand + _unit_box() * extent @ turn.T)
    if person.outfit.hair == 'beanie' and person.outfit.extra.cap:
        boxes.append(_peak(person))
    return boxes


def _unit_box() -> np.ndarray:
    return np.array([(x, y, z) for z in (-.5, .5) for y in (-.5, .5) for x in (-.5, .5)])


def _peak(person: Person) -> np.ndarray:
    """Return the peak of a cap as a flat box (8, 3)."""
    nose, left_eye, right_eye, left_ear, right_ear = person.keypoints[:5]
    left = left_ear - right_ear
    apart = np.linalg.norm(left_eye - right_eye)
    left /= np.linalg.norm(left)
    ahead = nose - (left_ear + right_ear) / 2
    ahead -= ahead @ left * left
    up = np.cross(ahead, left)
    up *= np.sign(up @ ((left_eye + right_eye) / 2 - nose)) / np.linalg.norm(up)
    ahead = np.cross(left, up)
    ahead *= np.sign(ahead @ (nose - left_ear))
    middle = (left_eye + right_eye) / 2 + apart * (.85 * up + .75 * ahead)
    extent = apart * np.array([2.1, 1.5, .12])
    return middle + _unit_box() * extent @ np.stack([left, ahead, up])
