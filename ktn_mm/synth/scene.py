"""Draw a scene: who stands where and how, in what light, seen from where."""
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ktn_mm.synth.body import Body
from ktn_mm.synth.camera import Camera, look_at
from ktn_mm.synth.environments import Environment, find_photos, load_environments
from ktn_mm.synth.film import Film
from ktn_mm.synth.garments import Tailor
from ktn_mm.synth.outfits import Outfit, draw_outfit
from ktn_mm.synth.poses import BasePose, draw_pose
from ktn_mm.synth.posing import bone_rotations
from ktn_mm.synth.screens import Screen

PEOPLE_SHARES = (.48, .34, .18)
"""Of pictures with one, two and three people."""
VIEW_SHARES = {'front': .62, 'side': .22, 'behind': .16}
"""Of people seen within 60 degrees of the front, up to 120, and beyond.

Source: an estimate from the visibility of faces in COCO's keypoints.
"""
PHOTO_SHARE = .42
MEAN_HEIGHT = 1.7
STEEPEST_ELEVATION = 85
"""Degrees; a camera that looks straight down knows no up."""


class Person(NamedTuple):
    """One person of a scene.

    Attributes:
        vertices: (N, 3) posed, dressed and placed in the world.
        keypoints: (17, 3) in the world.
        outfit: what is worn.
        pose: the base pose that dominates.
        view: degrees between facing the camera (0) and facing away (180); left turn positive.
        seat: (8, 3) corners of a box to sit on, or None.
    """

    vertices: np.ndarray
    keypoints: np.ndarray
    outfit: Outfit
    pose: BasePose
    view: float
    seat: np.ndarray | None


class Look(NamedTuple):
    """What makes a picture look like a photograph, for scenes that ask for it.

    Attributes:
        clutter: flat things behind everybody.
        defocus: blur of what is behind people, standard deviation in pixels.
        harmony: 0..1, how far people are lit in the colour of the photograph behind them.
        film: how the camera develops.
    """

    clutter: tuple[Screen, ...]
    defocus: float
    harmony: float
    film: Film


class Scene(NamedTuple):
    """All that a picture shows.

    Attributes:
        people: of plain scenes 1 to 3, in no order; of staged ones up to 8.
        camera: of the picture.
        environment: gives the light, and the backdrop where there is no photograph.
        turn: degrees that the panorama is turned by about the vertical.
        photo: a photograph as backdrop, or None.
        sun: (3,) unit direction to the strongest light, in the world.
        sun_strength: its light relative to the sky's.
        screens: flat things in front of everybody.
        things: boxes (8, 3) that stand about.
        look: of a photograph, or None for a plain rendering.
    """

    people: tuple[Person, ...]
    camera: Camera
    environment: Environment
    turn: float
    photo: Path | None
    sun: np.ndarray
    sun_strength: float
    screens: tuple[Screen, ...]
    things: tuple[np.ndarray, ...]
    look: Look | None = None

    @property
    def boxes(self) -> list[np.ndarray]:
        """All boxes: seats first, then things."""
        return [p.seat for p in self.people if p.seat is not None] + list(self.things)


def draw_view(rng: np.random.Generator) -> float:
    """Draw which way a person faces, degrees from facing the camera."""
    kind = rng.choice(list(VIEW_SHARES), p=list(VIEW_SHARES.values()))
    if kind == 'front':
        return float(np.clip(rng.normal(0, 28), -60, 60))
    low, high = (60, 120) if kind == 'side' else (120, 180)
    return float(rng.uniform(low, high) * rng.choice([-1, 1]))


def turn_matrix(degrees: float) -> np.ndarray:
    """Return the rotation about the vertical, (3, 3)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def draw_scene(rng: np.random.Generator, split: str, size: tuple[int, int], body: Body,
               tailor: Tailor, *, use_photos: bool = True,
               elevation: tuple[float, float] | None = None) -> Scene:
    """Draw a scene of a split.

    Args:
        rng: where chance comes from.
        split: 'train', 'val' or 'test': which poses, outfits and places may be drawn.
        size: (w, h) of the picture.
        body: the body of everybody.
        tailor: who dresses it.
        use_photos: take photographs as backdrops where their package is installed.
        elevation: lowest and highest angle in degrees from which the camera looks down, as one
            under a ceiling does, at most ``STEEPEST_ELEVATION``; None for cameras at the height
            of people.
    """
    count = 1 + int(rng.choice(3, p=PEOPLE_SHARES))
    framing = rng.choice(['whole', 'small', 'close'], p=[.76, .11, .13])
    share = {'whole': rng.uniform(.56, .92), 'small': rng.uniform(.24, .5),
             'close': rng.uniform(1.0, 1.7)}[framing]
    focal = max(size) * rng.uniform(1.05, 1.9)
    distance = focal * MEAN_HEIGHT / (share * size[1])
    spots = draw_spots(rng, count, distance, focal, size[0])
    people = tuple(_draw_person(rng, split, body, tailor, spot, distance) for spot in spots)
    camera = _draw_camera(rng, people, framing, distance, focal, size, elevation)
    places = load_environments(split)
    environment = places[rng.integers(len(places))]
    photos = find_photos(split) if use_photos else ()
    photo = photos[rng.integers(len(photos))] if photos and rng.random() < PHOTO_SHARE else None
    turn, sun, strength = draw_sun(rng, environment, indoor=photo is not None)
    screens = (_draw_screen(rng, people, camera),) if rng.random() < .16 else ()
    return Scene(people, camera, environment, turn, photo, sun, strength, screens,
                 draw_things(rng, spots, distance, size[0] / focal))


def draw_sun(rng: np.random.Generator, environment: Environment, *,
             indoor: bool) -> tuple[float, np.ndarray, float]:
    """Draw how a panorama is turned; return that, the sun's direction (3,) and strength."""
    turn = rng.uniform(0, 360)
    sun = turn_matrix(turn) @ environment.sun
    sun[2] = max(sun[2], rng.uniform(.35, .9))
    sun /= np.linalg.norm(sun)
    indoor = environment.indoor or indoor
    return turn, sun, rng.uniform(0, .45) if indoor else rng.uniform(.1, 1.1)


def draw_spots(rng: np.random.Generator, count: int, distance: float, focal: float,
               width: int) -> np.ndarray:
    """Return where people stand, (count, 2) metres, the camera at (0, -distance)."""
    gaps = rng.uniform(.42, .95, count)
    aside = np.cumsum(gaps) - gaps[0]
    aside -= aside.mean()
    ahead = rng.uniform(-.45, .9, count) * (count > 1) * min(1, distance / 4)
    frame = width / focal * distance
    spread = rng.normal(0, .12)
    if rng.random() < .22:
        spread = rng.choice([-1, 1]) * rng.uniform(.3, .5)
    return np.stack([aside + spread * frame, ahead], 1)[rng.permutation(count)]


def _draw_person(rng: np.random.Generator, split: str, body: Body, tailor: Tailor,
                 spot: np.ndarray, distance: float) -> Person:
    figure = body.shape(np.clip(rng.standard_normal(body.num_shapes), -2, 2))
    base, angles = draw_pose(rng, split)
    outfit = draw_outfit(rng, split)
    rotations = bone_rotations(body, angles)
    vertices = body.pose(figure, rotations, tailor.dress(figure.vertices, outfit))
    return place_person(rng, body, vertices, outfit, base, spot, distance)


def place_person(rng: np.random.Generator, body: Body, vertices: np.ndarray, outfit: Outfit,
                 base: BasePose, spot: np.ndarray, distance: float) -> Person:
    """Turn a posed, dressed body (N, 3) as people are seen, and put it on its spot."""
    view = draw_view(rng)
    facing = np.degrees(np.arctan2(-spot[0], distance + spot[1])) + view
    vertices = vertices @ turn_matrix(facing).T
    middle = vertices.mean(0)
    height = vertices[:, 2].min()
    if base.support == 'air':
        height -= rng.uniform(.04, .3)
    vertices += np.array([spot[0] - middle[0], spot[1] - middle[1], -height])
    seat = seat_under(body, vertices, facing) if base.support == 'seat' else None
    return Person(vertices, body.keypoints(vertices), outfit, base, view, seat)


def seat_under(body: Body, vertices: np.ndarray, facing: float) -> np.ndarray:
    """Return the corners (8, 3) of a box that carries a sitting person."""
    hips = vertices[np.isin(body.vertex_surface, (1, 2))]
    low = hips[hips[:, 2] < np.quantile(hips[:, 2], .25)]
    middle, top = low.mean(0), hips[:, 2].min() + .015
    return standing_box(middle[:2], np.array([.4, .4, top]), facing)


def standing_box(at: np.ndarray, extent: np.ndarray, turn: float) -> np.ndarray:
    """Return the corners (8, 3) of a box that stands on the ground."""
    corners = np.array([(x, y, z) for z in (0, 1) for y in (-.5, .5) for x in (-.5, .5)])
    corners = corners * extent @ turn_matrix(turn).T
    corners[:, :2] += at
    return corners


def draw_things(rng: np.random.Generator, spots: np.ndarray, distance: float,
                spread: float) -> tuple[np.ndarray, ...]:
    """Draw boxes behind and beside people: sharp edges that are nobody's."""
    things = []
    for _ in range(int(rng.choice(4, p=(.45, .25, .2, .1)))):
        ahead = rng.uniform(-.5, 3.5) * min(1, distance / 4)
        aside = rng.uniform(-.6, .6) * spread * (distance + ahead)
        extent = rng.uniform((.25, .25, .3), (1.1, .6, 1.9))
        at = np.array([aside, ahead])
        if np.linalg.norm(spots - at, axis=1).min() > .55 + extent[:2].max() / 2:
            things.append(standing_box(at, extent, rng.uniform(-40, 40)))
    return tuple(things)


def _draw_camera(rng: np.random.Generator, people: tuple[Person, ...], framing: str,
                 distance: float, focal: float, size: tuple[int, int],
                 elevation: tuple[float, float] | None) -> Camera:
    height = rng.uniform(.7, 2.) if framing != 'close' else rng.uniform(1.1, 1.75)
    eye = np.array([0, -distance, height])
    tops = np.array([person.vertices[:, 2].max() for person in people])
    if framing == 'close':
        target = tops.mean() - rng.uniform(.25, .6) * min(1, size[1] / focal * distance)
    else:
        target = tops.mean() / 2 + rng.normal(0, .06) * size[1] / focal * distance
    tilt = rng.normal(0, 1.6)
    if elevation is not None:
        angle = np.radians(rng.uniform(*elevation))
        eye = np.array([0, -distance * np.cos(angle), target + distance * np.sin(angle)])
    return look_at(eye, np.array([0, 0, target]), focal, size, tilt=tilt)


def _draw_screen(rng: np.random.Generator, people: tuple[Person, ...],
                 camera: Camera) -> Screen:
    person = people[rng.integers(len(people))]
    seen = camera.project(person.vertices)[:, :2]
    low, high = seen.min(0), seen.max(0)
    box = high - low
    if rng.random() < .6:
        # A table, a wall, a hedge: from below, wide.
        top = high[1] - box[1] * rng.uniform(.1, .4)
        left = low[0] - box[0] * rng.uniform(-.5, 1.5)
        right = left + box[0] * rng.uniform(.8, 3)
        bottom = camera.size[1] + 5
    else:
        # A post or a door: from the side, tall.
        left = low[0] + box[0] * rng.uniform(-.1, .75)
        right = left + box[0] * rng.uniform(.15, .4)
        top, bottom = low[1] - box[1] * rng.uniform(0, .6), camera.size[1] + 5
    slope = rng.normal(0, .03, 4) * box[1]
    corners = np.array([[left, top + slope[0]], [right, top + slope[1]],
                        [right + slope[2], bottom], [left + slope[3], bottom]])
    color = np.clip(rng.uniform(.1, .8) + rng.normal(0, .06, 3), .03, .95)
    return Screen(corners, color, int(rng.integers(1 << 30)))
