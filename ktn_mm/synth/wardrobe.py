"""A richer wardrobe: more patterns, prints cut from photographs, glasses, caps, skin tones."""
from pathlib import Path

import numpy as np

from ktn_mm.synth.outfits import (
    EVERY_BOTTOM,
    EVERY_PATTERN,
    HAIRS,
    SKINS,
    SKIRTS,
    Extra,
    Outfit,
    draw_color,
    draw_outfit,
    recipes_of_split,
)
from ktn_mm.synth.screens import draw_cutting

PLAIN_SHARE = 7
"""Cloth without a pattern is drawn so many times as often as any pattern."""
SKIRT_SHARE = .5
"""A skirt is drawn so many times as often as a kind of trousers."""
SKIRT_LENGTHS = (9, 21)
LETTERS = 'ABCDEFGHKLMNOPRSTUVXYZ'
BOTTOM_PRINTS = ('bands', 'camo', 'plaid', 'flowers', 'fabric', 'side')


def draw_rich_outfit(rng: np.random.Generator, split: str, photos: tuple[Path, ...]) -> Outfit:
    """Draw an outfit of a split with all patterns.

    Args:
        rng: where chance comes from.
        split: 'train', 'val' or 'test'.
        photos: that prints may be cut from; those of the split.
    """
    recipes = recipes_of_split(split, EVERY_PATTERN, EVERY_BOTTOM)
    weights = np.array([PLAIN_SHARE if recipe.pattern == 'plain' else 1. for recipe in recipes])
    weights *= [SKIRT_SHARE if recipe.bottom in SKIRTS else 1. for recipe in recipes]
    recipe = recipes[rng.choice(len(recipes), p=weights / weights.sum())]
    outfit = draw_outfit(rng, split, recipe)
    if recipe.bottom in SKIRTS:
        # Tucked in, for the skirt lies closer to the body than a loose top.
        outfit = outfit._replace(hem=.2, looseness=min(outfit.looseness, .007))
    hair = rng.choice(['', 'curly', 'braid'], p=[.8, .11, .09])
    dyed = rng.random() < .04
    tone = rng.uniform(0, len(SKINS) - 1)
    skin = np.array([np.interp(tone, range(len(SKINS)), channel)
                     for channel in np.transpose(SKINS)])
    return outfit._replace(
        shoes='barefoot' if rng.random() < .03 else outfit.shoes.replace('barefoot', 'sneakers'),
        hair=str(hair) or outfit.hair, skin=skin * rng.uniform(.94, 1.05, 3),
        hair_color=draw_color(rng) if dyed else _natural_hair(rng, tone),
        extra=Extra(
            cutting=draw_cutting(rng, photos, (1.2, 4.)) if photos else None,
            words=tuple(''.join(rng.choice(list(LETTERS), rng.integers(2, 8)))
                        for _ in range(2)),
            number=int(rng.integers(0, 100)),
            palette=np.array([draw_color(rng) for _ in range(4)]),
            bottom_print=str(rng.choice(BOTTOM_PRINTS)) if rng.random() < .16 else '',
            glasses=str(rng.choice(['', 'clear', 'dark'], p=[.76, .14, .10])),
            cap=bool(rng.random() < .5),
            hem=int(rng.integers(*SKIRT_LENGTHS)) if recipe.bottom in SKIRTS else 0,
            flare=float(rng.choice([rng.uniform(0, .15), rng.uniform(.15, .9)]))))


def _natural_hair(rng: np.random.Generator, tone: float) -> np.ndarray:
    """Draw a hair colour between two natural ones; dark skin goes with dark hair."""
    natural = HAIRS if tone < 2.2 else HAIRS[:2]
    first, second = (np.array(natural[rng.integers(len(natural))]) for _ in range(2))
    share = rng.uniform(0, .5)
    return ((1 - share) * first + share * second) * rng.uniform(.75, 1.25)
