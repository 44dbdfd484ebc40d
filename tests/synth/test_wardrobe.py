"""The richer wardrobe: all patterns paint, writing can be read, every split has its own."""
import numpy as np
import pytest

from ktn_mm.synth.garments import IS_FRONT, Tailor
from ktn_mm.synth.outfits import (
    COLOURFUL,
    EVERY_BOTTOM,
    EVERY_PATTERN,
    PATTERNS,
    TOPS,
    recipes_of_split,
    split_of_recipe,
)
from ktn_mm.synth.paint import paint
from ktn_mm.synth.prints import _bitmap, cloth
from ktn_mm.synth.wardrobe import draw_rich_outfit

SPLITS = ('train', 'val', 'test')


@pytest.fixture(scope='module')
def trunk(body, tailor):
    """Points all over the torso of the mean body."""
    rng = np.random.default_rng(0)
    faces = rng.choice(np.flatnonzero(np.isin(body.face_surface, (1, 2))), 20000)
    return tailor.places(faces, rng.dirichlet((1, 1, 1), 20000).astype(np.float32))


def test_splits_share_no_rich_recipe():
    recipes = [set(recipes_of_split(split, EVERY_PATTERN, EVERY_BOTTOM)) for split in SPLITS]
    total = len(TOPS) * len(EVERY_BOTTOM) * len(EVERY_PATTERN)
    assert sum(map(len, recipes)) == len(set().union(*recipes)) == total
    assert set(recipes_of_split('val')) < recipes[1]
    assert set(PATTERNS) < set(EVERY_PATTERN)


def test_rich_outfits_are_of_their_split_and_vary():
    rng = np.random.default_rng(0)
    for split in SPLITS:
        outfits = [draw_rich_outfit(rng, split, ()) for _ in range(150)]
        assert all(split_of_recipe(outfit.recipe) == split for outfit in outfits)
        assert {outfit.recipe.pattern for outfit in outfits} == set(EVERY_PATTERN)
        assert {'curly', 'braid', 'short'} <= {outfit.hair for outfit in outfits}
        assert {'', 'clear', 'dark'} == {outfit.extra.glasses for outfit in outfits}
        for outfit in outfits:
            assert (outfit.extra.hem > 0) == (outfit.recipe.bottom in ('skirt', 'dress'))
            assert outfit.skin.min() > .02 and outfit.skin.max() < 1.05


def test_paint_takes_every_recipe(body, tailor):
    rng = np.random.default_rng(1)
    faces = rng.integers(0, len(body.faces), 3000)
    places = tailor.places(faces, np.full((3000, 3), 1 / 3, np.float32))
    skirt = rng.random(3000) < .1
    for _ in range(60):
        outfit = draw_rich_outfit(rng, 'train', ())
        color, gloss = paint(places, body.is_eyeball(faces), outfit, tailor.bone, skirt)
        assert color.shape == (3000, 3) and np.isfinite(color).all()
        assert color.min() >= 0 and color.max() <= 1 and gloss.min() >= 0


@pytest.mark.parametrize('kind', [kind for kind in COLOURFUL if kind != 'fabric'])
def test_prints_show_more_than_the_cloth(kind, trunk):
    outfit = draw_rich_outfit(np.random.default_rng(3), 'train', ())
    base = np.array([.2, .3, .4])
    color = cloth(trunk, outfit, kind, base)
    plain = np.isclose(color, base, atol=1e-6).all(1)
    # Without photographs the prints that need one write, or leave the cloth as it is.
    assert (~plain).mean() > .001


def test_writing_runs_from_the_readers_left_to_right(trunk):
    """An L has its stem at the reader's left: the person's right in front, left behind."""
    bitmap = _bitmap(['L'])
    half = bitmap.shape[1] // 2
    assert (bitmap[:30, :half] > 0).sum() > 5 * (bitmap[:30, half:] > 0).sum()
    outfit = draw_rich_outfit(np.random.default_rng(5), 'train', ())
    outfit = outfit._replace(extra=outfit.extra._replace(words=('L', 'L')))
    checked = set()
    rest = np.zeros((40000, 3), np.float32)
    rest[:, 0] = np.tile(np.linspace(-.2, .2, 200), 200)
    rest[:, 2] = np.repeat(np.linspace(.3, .7, 200), 200)
    for surface in (1, 2):
        place = trunk._replace(rest=rest, surface=np.full(40000, surface), arm=rest[:, 0] * 0,
                               leg=rest[:, 0] * 0, torso=rest[:, 2], head=rest)
        for seed in range(40):
            one = outfit._replace(seed=seed)
            ink = np.isclose(cloth(place, one, 'writing', np.array([-1., -1, -1])),
                             one.second_color).all(1)
            if not ink.any():
                continue
            stem = rest[ink & (rest[:, 2] > rest[ink, 2].mean()), 0].mean()
            middle = (rest[ink, 0].min() + rest[ink, 0].max()) / 2
            assert (stem < middle) == bool(IS_FRONT[surface])
            checked.add(surface)
    assert checked == {1, 2}


def test_hair_of_the_rich_wardrobe_stands_off(body):
    tailor = Tailor(body)
    outfit = draw_rich_outfit(np.random.default_rng(0), 'train', ())
    top = body.vertices[:, 2].max()
    curly, bald = (tailor.dress(body.vertices, outfit._replace(hair=hair))[:, 2].max()
                   for hair in ('curly', 'bald'))
    assert curly > top + .02 > bald + .01
