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
from ktn_mm.synth.screens import Screen, draw_cutting
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
    clutter = _draw_clutter(rng, photos, size, int(rng.choice(
        [0, 2, 5, 9], p=[.45, .3, .15, .1] if photo else [.2, .3, .3, .2])))
    look = Look(clutter, float(rng.choice([0, rng.uniform(.3, 3.)], p=[.45, .55])),
                float(rng.uniform(.2, .8)), draw_film(rng))
    screens = _draw_screens(rng, people, camera, photos) if rng.random() < .36 else ()
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


def _polygon(rng: np.random.Generator, middle: np.ndarray, extent: np.ndarray,
             turn: float) -> np.ndarray:
    """Return a rectangle, a triangle or an ellipse, clockwise in the picture."""
    kind = rng.choice(['quad', 'ellipse', 'triangle'], p=[.6, .3, .1])
    if kind == 'quad':
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) + rng.normal(0, .08, (4, 2))
    else:
        steps = 3 if kind == 'triangle' else 24
        angle = np.arange(steps) / steps * 2 * np.pi
        corners = np.stack([np.cos(angle), np.sin(angle)], 1)
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return middle + corners * extent / 2 @ np.array([[cos, sin], [-sin, cos]])


def _draw_surface(rng: np.random.Generator, photos: tuple[Path, ...],
                  photo_share: float) -> dict:
    """Draw what a screen shows: a colour, or a piece of a photograph."""
    color = np.clip(rng.uniform(.06, .9) + rng.normal(0, .14, 3), .03, .95)
    cutting = (draw_cutting(rng, photos, (1.2, 5.))
               if photos and rng.random() < photo_share else None)
    return {'color': color, 'seed': int(rng.integers(1 << 30)), 'cutting': cutting}


def _draw_clutter(rng: np.random.Generator, photos: tuple[Path, ...], size: tuple[int, int],
                  count: int) -> tuple[Screen, ...]:
    """Draw flat things behind everybody: sharp edges that are nobody's."""
    screens = []
    for _ in range(count):
        middle = rng.uniform(0, 1, 2) * size
        extent = np.exp(rng.uniform(np.log(.06), np.log(.6), 2)) * size
        turn = rng.normal(0, 8) if rng.random() < .7 else rng.uniform(0, 360)
        screens.append(Screen(_polygon(rng, middle, extent, turn),
                              **_draw_surface(rng, photos, .6)))
    return tuple(screens)


def _draw_screens(rng: np.random.Generator, people: tuple[Person, ...], camera: Camera,
                  photos: tuple[Path, ...]) -> tuple[Screen, ...]:
    """Draw what hides a part of one of the first three people."""
    person = people[rng.integers(min(len(people), 3))]
    seen = camera.project(person.vertices)
    if seen[:, 2].min() < .2:
        return ()
    low = np.clip(seen[:, :2].min(0), 0, camera.size)
    high = np.clip(seen[:, :2].max(0), 0, camera.size)
    box = np.maximum(high - low, 4.)
    kind = str(rng.choice(['table', 'post', 'patch', 'bars', 'leaves'],
                          p=[.32, .2, .26, .1, .12]))
    surface = _draw_surface(rng, photos, .5)
    if kind == 'table':
        top = high[1] - box[1] * rng.uniform(.1, .45)
        left = low[0] - box[0] * rng.uniform(-.5, 2.)
        right = left + box[0] * rng.uniform(.8, 4.)
        slope = rng.normal(0, .03, 2) * box[1]
        bottom = camera.size[1] + 5
        corners = [(left, top + slope[0]), (right, top + slope[1]), (right, bottom),
                   (left, bottom)]
        return (Screen(np.array(corners), **surface),)
    if kind == 'post':
        left = low[0] + box[0] * rng.uniform(-.1, .8)
        right = left + box[0] * rng.uniform(.08, .4)
        top = low[1] - box[1] * rng.uniform(0, .8)
        lean = rng.normal(0, .05) * box[1]
        bottom = camera.size[1] + 5
        corners = [(left, top), (right, top), (right + lean, bottom), (left + lean, bottom)]
        return (Screen(np.array(corners), **surface),)
    if kind == 'patch':
        middle = low + rng.uniform(.05, .95, 2) * box
        extent = rng.uniform(.2, .6, 2) * np.sqrt(box.prod())
        return (Screen(_polygon(rng, middle, extent, rng.uniform(0, 360)), **surface),)
    if kind == 'bars':
        gap, turn = rng.uniform(.15, .4) * box[0] + 6, float(rng.choice([0, 90]))
        extent = np.array([rng.uniform(.08, .2) * gap + 1.5, 3 * max(camera.size)])
        along = np.array([1., 0]) if turn == 0 else np.array([0, 1.])
        steps = np.arange(int(rng.integers(3, 7))) - 1
        start = low + rng.uniform(0, .4) * box
        return tuple(Screen(_quad(start + along * gap * step, extent, turn), **surface)
                     for step in steps)
    middles = low + rng.uniform(0, 1, 2) * box + rng.normal(0, .16, (7, 2)) * box
    green = np.array([rng.uniform(.1, .35), rng.uniform(.25, .5), rng.uniform(.05, .2)])
    return tuple(Screen(_leaf(middle, rng.uniform(.12, .4) * box.min() + 4, rng.uniform(0, 360)),
                        np.clip(green * rng.uniform(.6, 1.3), .03, .95),
                        int(rng.integers(1 << 30))) for middle in middles)


def _quad(middle: np.ndarray, extent: np.ndarray, turn: float) -> np.ndarray:
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * extent / 2
    return middle + (corners if turn == 0 else corners[[0, 3, 2, 1]][:, ::-1])


def _leaf(middle: np.ndarray, length: float, turn: float) -> np.ndarray:
    angle = np.arange(16) / 16 * 2 * np.pi
    corners = np.stack([np.cos(angle), .38 * np.sin(angle)], 1) * length / 2
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return middle + corners @ np.array([[cos, sin], [-sin, cos]])
