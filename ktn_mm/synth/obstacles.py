"""Flat things in staged scenes: clutter behind people, and what hides parts of them."""
from pathlib import Path

import numpy as np

from ktn_mm.synth.camera import Camera
from ktn_mm.synth.scene import Person
from ktn_mm.synth.screens import Screen, draw_cutting


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


def _surface(rng: np.random.Generator, photos: tuple[Path, ...],
                  photo_share: float) -> dict:
    """Draw what a screen shows: a colour, or a piece of a photograph."""
    color = np.clip(rng.uniform(.06, .9) + rng.normal(0, .14, 3), .03, .95)
    cutting = (draw_cutting(rng, photos, (1.2, 5.))
               if photos and rng.random() < photo_share else None)
    return {'color': color, 'seed': int(rng.integers(1 << 30)), 'cutting': cutting}


def draw_clutter(rng: np.random.Generator, photos: tuple[Path, ...], size: tuple[int, int],
                  count: int) -> tuple[Screen, ...]:
    """Draw flat things behind everybody: sharp edges that are nobody's."""
    screens = []
    for _ in range(count):
        middle = rng.uniform(0, 1, 2) * size
        extent = np.exp(rng.uniform(np.log(.06), np.log(.6), 2)) * size
        turn = rng.normal(0, 8) if rng.random() < .7 else rng.uniform(0, 360)
        screens.append(Screen(_polygon(rng, middle, extent, turn),
                              **_surface(rng, photos, .6)))
    return tuple(screens)


def draw_obstacles(rng: np.random.Generator, people: tuple[Person, ...], camera: Camera,
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
    surface = _surface(rng, photos, .5)
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
