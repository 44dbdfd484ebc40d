"""What people wear: recipes, colours, hair."""
import functools
from typing import NamedTuple

import numpy as np

from ktn_mm.synth.screens import Cutting

TOPS = ('t-shirt', 'tank top', 'long sleeve', 'button shirt', 'zip jacket', 'open jacket',
        'sweater')
BOTTOMS = ('jeans', 'chinos', 'shorts', 'knee shorts', 'leggings', 'wide trousers')
SKIRTS = ('skirt', 'dress')
"""Bottoms for bodies that can wear a skirt."""
EVERY_BOTTOM = (*BOTTOMS, *SKIRTS)
PATTERNS = ('plain', 'bands', 'pinstripes', 'checks', 'dots', 'blobs', 'yoke', 'print')
COLOURFUL = ('plaid', 'camo', 'flowers', 'writing', 'number', 'picture', 'fabric')
"""Patterns of :mod:`prints`, for those who have an :class:`Extra`."""
EVERY_PATTERN = (*PATTERNS, *COLOURFUL)
HAIR = ('short', 'shaved', 'bob', 'long', 'beanie', 'bald')

SKINS = ((.93, .76, .66), (.88, .68, .55), (.80, .58, .43), (.65, .45, .32), (.46, .31, .22),
         (.33, .22, .16))
HAIRS = ((.06, .05, .045), (.14, .09, .06), (.28, .17, .09), (.62, .48, .28), (.55, .54, .52),
         (.42, .18, .08))
TROUSERS = {
    'jeans': ((.14, .19, .33), (.25, .33, .48), (.09, .10, .14)),
    'chinos': ((.55, .46, .33), (.28, .27, .22), (.16, .18, .24), (.45, .43, .42)),
    'leggings': ((.05, .05, .06), (.20, .10, .22), (.22, .23, .25)),
    'wide trousers': ((.70, .66, .58), (.10, .10, .11), (.38, .22, .18), (.22, .30, .26)),
}


class Recipe(NamedTuple):
    """The kinds of things worn; the split of an outfit is that of its recipe."""

    top: str
    bottom: str
    pattern: str


class Extra(NamedTuple):
    """What the richer wardrobe adds.

    Attributes:
        cutting: a photograph for prints, or None.
        words: two lines of writing.
        number: on the shirt of a player.
        palette: (4, 3) display RGB.
        bottom_print: pattern of the trousers, or ''.
        glasses: '', 'clear' or 'dark'.
        cap: whether what covers the head is a cap, not a beanie.
        hem: the last ring of a skirt, 0 without one; see :class:`clothed_body.ClothedBody`.
        flare: of the skirt.
    """

    cutting: Cutting | None
    words: tuple[str, ...]
    number: int
    palette: np.ndarray
    bottom_print: str
    glasses: str
    cap: bool
    hem: int
    flare: float


class Outfit(NamedTuple):
    """One person's clothes, hair and skin. Colours are display RGB, 0..1.

    Attributes:
        recipe: what it is.
        seed: of folds and patterns.
        sleeve: where it ends: 0 shoulder, 1 elbow, 2 wrist.
        leg: where the trousers end: 0 hip, 1 knee, 2 ankle.
        hem: where the top ends: 0 hips, 1 base of the neck.
        drop: metres that the neckline falls in front.
        looseness: metres of the cloth away from the skin.
        shoes: 'sneakers', 'boots' or 'barefoot'.
        hair: one of :data:`HAIR`, 'curly' or 'braid'.
        beard: 0 none to 1 full.
        extra: of the richer wardrobe, or None.
    """

    recipe: Recipe
    seed: int
    sleeve: float
    leg: float
    hem: float
    drop: float
    looseness: float
    shoes: str
    hair: str
    beard: float
    skin: np.ndarray
    hair_color: np.ndarray
    top_color: np.ndarray
    second_color: np.ndarray
    bottom_color: np.ndarray
    shoe_color: np.ndarray
    sole_color: np.ndarray
    accent: np.ndarray
    extra: Extra | None = None


def split_of_recipe(recipe: Recipe) -> str:
    """Return the split that may wear a recipe: three of five train, one val, one test."""
    number = (TOPS.index(recipe.top) + 2 * EVERY_BOTTOM.index(recipe.bottom)
              + 3 * EVERY_PATTERN.index(recipe.pattern)) % 5
    return ('train', 'train', 'train', 'val', 'test')[number]


@functools.cache
def recipes_of_split(split: str, patterns: tuple[str, ...] = PATTERNS,
                     bottoms: tuple[str, ...] = BOTTOMS) -> tuple[Recipe, ...]:
    """Return all recipes of a split with the given patterns and bottoms."""
    every = (Recipe(t, b, p) for t in TOPS for b in bottoms for p in patterns)
    return tuple(recipe for recipe in every if split_of_recipe(recipe) == split)


def draw_color(rng: np.random.Generator) -> np.ndarray:
    """Draw a cloth colour: mostly muted, now and then vivid, often dark or white."""
    kind = rng.random()
    if kind < .16:
        return rng.uniform(.82, .95) * rng.uniform(.95, 1, 3)
    if kind < .36:
        return rng.uniform(.04, .16) * rng.uniform(.8, 1.2, 3)
    hue = rng.random()
    strength = rng.uniform(.15, .55) if kind < .7 else rng.uniform(.6, .95)
    value = rng.uniform(.25, .85)
    phase = (hue + np.array([0, 2 / 3, 1 / 3])) % 1
    ramp = np.clip(np.abs(phase * 6 - 3) - 1, 0, 1)
    return value * (1 - strength * (1 - ramp))


def draw_outfit(rng: np.random.Generator, split: str, recipe: Recipe | None = None) -> Outfit:
    """Draw an outfit of a split, or of a given recipe."""
    if recipe is None:
        recipes = recipes_of_split(split)
        recipe = recipes[rng.integers(len(recipes))]
    sleeve = {'t-shirt': rng.uniform(.35, .75), 'tank top': 0.,
              'button shirt': rng.choice([.6, 1.15, 1.93], p=[.25, .25, .5])
              }.get(recipe.top, rng.uniform(1.85, 1.95))
    leg = {'shorts': rng.uniform(.4, .7), 'knee shorts': rng.uniform(.85, 1.1),
           'leggings': rng.choice([1.55, 1.9]), 'skirt': .3, 'dress': .3,
           }.get(recipe.bottom, rng.uniform(1.86, 1.96))
    tucked = recipe.top in ('button shirt', 't-shirt', 'tank top') and rng.random() < .35
    hem = .2 if tucked else rng.uniform(-.10, .06)
    looseness = {'tank top': .004, 'sweater': .014, 'zip jacket': .014, 'open jacket': .016,
                 'long sleeve': .006}.get(recipe.top, .009) * rng.uniform(.8, 1.5)
    top_color, second = draw_color(rng), draw_color(rng)
    while np.abs(top_color - second).max() < .3:
        second = draw_color(rng)
    bottoms = TROUSERS.get(recipe.bottom)
    bottom = (np.array(bottoms[rng.integers(len(bottoms))]) * rng.uniform(.8, 1.25)
              if bottoms else draw_color(rng))
    shoe = draw_color(rng)
    skin = np.array(SKINS[rng.integers(len(SKINS))]) * rng.uniform(.93, 1.05)
    natural = len(HAIRS) if skin[0] > .7 else 2
    return Outfit(
        recipe, int(rng.integers(2 ** 31)), float(sleeve), float(leg), float(hem),
        drop=float(rng.choice([.01, .03, .11], p=[.4, .3, .3])), looseness=float(looseness),
        shoes=str(rng.choice(['sneakers', 'boots', 'barefoot'], p=[.72, .2, .08])),
        hair=str(rng.choice(HAIR, p=[.38, .08, .17, .25, .07, .05])),
        beard=float(rng.choice([0, 1], p=[.8, .2]) * rng.uniform(.5, 1)),
        skin=skin, hair_color=np.array(HAIRS[rng.integers(natural)]) * rng.uniform(.8, 1.2),
        top_color=top_color, second_color=second, bottom_color=bottom, shoe_color=shoe,
        sole_color=np.full(3, .88 if shoe.mean() < .6 else rng.choice([.1, .45, .93])),
        accent=draw_color(rng))
