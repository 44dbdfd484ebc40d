import numpy as np
import pytest
from PIL import Image

from ktn_mm.structures import DensePoseResult
from ktn_mm.surface.charts import SURFACE_TWIN
from ktn_mm.synth.dataset import make_dataset
from ktn_mm.texture import TextureSum, join_tiles, paint_texture, read_atlas, split_tiles

RIGHT_HAND, LEFT_HAND, RIGHT_LEG_BACK = 3, 4, 7


@pytest.fixture(scope='module')
def person(tmp_path_factory):
    """A rendered picture with the truth of every pixel: image, labels, uv."""
    folder = tmp_path_factory.mktemp('people')
    make_dataset(folder, {'val': 1}, (200, 260), seed=3, dense=True, use_photos=False,
                 progress=False)
    path = next((folder / 'val').glob('*.jpg'))
    iuv = np.array(Image.open(path.with_name(f'{path.stem}_iuv.png')))
    ids = np.array(Image.open(path.with_name(f'{path.stem}_ids.png')))
    iuv[ids != np.bincount(ids[ids > 0]).argmax()] = 0
    assert (iuv[..., 0] > 0).sum() > 2000
    return np.array(Image.open(path)), iuv[..., 0], iuv[..., 1:] / 255


def tiles_of(person, size=256):
    texture = TextureSum(size)
    texture.add(*person)
    return texture.tiles()


def test_painting_what_was_lifted_gives_the_picture_back(person):
    image, labels, uv = person
    painted = paint_texture(np.zeros_like(image), labels, uv, tiles_of(person))
    shown = labels > 0
    error = np.abs(painted[shown].astype(int) - image[shown])
    assert error.mean() < 0.5 and np.percentile(error, 99) <= 8
    assert not painted[~shown].any()
    coarse = paint_texture(np.zeros_like(image), labels, uv, tiles_of(person, 32))
    assert error.mean() < np.abs(coarse[shown].astype(int) - image[shown]).mean() < 30


def test_a_tile_is_where_surface_u_and_v_say():
    """Hand-computed: V upwards, U to the right, six tiles down a column."""
    size = 11
    places = [(RIGHT_HAND, .2, .7, (255, 0, 0), (2 * size + 3, 2)),
              (LEFT_HAND, 0., 0., (0, 255, 0), (3 * size + 10, 0)),
              (RIGHT_LEG_BACK, 1., 1., (0, 0, 255), (0, size + 10)),
              (24, .5, 1., (255, 255, 0), (5 * size, 3 * size + 5))]
    labels = np.array([[p[0] for p in places]], np.uint8)
    uv = np.array([[p[1:3] for p in places]])
    image = np.array([[p[3] for p in places]], np.uint8)
    texture = TextureSum(size)
    texture.add(image, labels, uv)
    atlas = join_tiles(texture.tiles(reach=0))
    assert atlas.shape == (6 * size, 4 * size, 4)
    for *_, color, (row, column) in places:
        assert atlas[row, column].tolist() == [*color, 255]
    assert (atlas[..., 3] > 0).sum() == len(places)
    np.testing.assert_array_equal(paint_texture(np.zeros_like(image), labels, uv,
                                                split_tiles(atlas)), image)
    assert np.flatnonzero(texture.seen()).tolist() == [2, 3, 6, 23]


def test_left_and_right_are_the_persons_own(person):
    """An atlas with one side painted paints that side; its mirror image paints the twins."""
    image, labels, uv = person
    left = [s for s in range(1, 25) if SURFACE_TWIN[s] == s - 1 and s < 5 or s in (8, 10, 24)]
    tiles = np.zeros((24, 8, 8, 4), np.uint8)
    for surface in left:
        tiles[surface - 1] = (255, 0, 255, 255)
    painted = paint_texture(image, labels, uv, tiles)
    np.testing.assert_array_equal((painted == (255, 0, 255)).all(-1), np.isin(labels, left))
    mirrored = paint_texture(image, SURFACE_TWIN[labels], uv, tiles)
    np.testing.assert_array_equal((mirrored == (255, 0, 255)).all(-1),
                                  np.isin(labels, SURFACE_TWIN[left]))
    assert np.isin(labels, left).any() and np.isin(labels, SURFACE_TWIN[left]).any()


def test_pictures_are_averaged(person):
    image, labels, uv = person
    texture = TextureSum()
    for shade in (image, np.full_like(image, 255), np.zeros_like(image)):
        texture.add(shade, labels, uv)
    painted = paint_texture(image, labels, uv, texture.tiles())
    shown = labels > 0
    expected = (image[shown].astype(int) + 255) / 3
    assert np.abs(painted[shown] - expected).mean() < 0.7


def test_what_is_not_seen_stays(person):
    image, labels, uv = person
    tiles = tiles_of(person)
    assert tiles[0, ..., 3].min() == 0  # nobody shows all of the back
    empty = np.zeros((24, 4, 4, 4), np.uint8)
    np.testing.assert_array_equal(paint_texture(image, labels, uv, empty), image)
    half = np.full((24, 4, 4, 4), 255, np.uint8)
    shown = labels > 0
    painted = paint_texture(np.zeros_like(image), labels, uv, half, opacity=.5)
    assert np.isin(painted[shown], [127, 128]).all() and not painted[~shown].any()
    with pytest.raises(ValueError, match='opacity'):
        paint_texture(image, labels, uv, half, opacity=2)


def test_gaps_are_filled_up_to_the_reach():
    texture = TextureSum(32)
    texture.add(np.full((1, 1, 3), 9, np.uint8), np.ones((1, 1), np.uint8),
                np.full((1, 1, 2), [16 / 31, 15 / 31]))
    tile = texture.tiles(reach=5)[0]
    rows, columns = np.mgrid[:32, :32]
    near = (rows - 16)**2 + (columns - 16)**2 <= 25
    np.testing.assert_array_equal(tile[..., 3] > 0, near)
    assert (tile[near] == (9, 9, 9, 255)).all() and not texture.tiles()[1:].any()


def test_atlases_are_read_and_checked(tmp_path):
    tiles = np.random.default_rng(0).integers(0, 256, (24, 5, 5, 4), np.uint8)
    np.testing.assert_array_equal(split_tiles(join_tiles(tiles)), tiles)
    Image.fromarray(join_tiles(tiles)).save(tmp_path / 'a.png')
    np.testing.assert_array_equal(read_atlas(tmp_path / 'a.png'), tiles)
    Image.fromarray(join_tiles(tiles)[..., :3].copy()).save(tmp_path / 'rgb.png')
    np.testing.assert_array_equal(read_atlas(tmp_path / 'rgb.png')[..., :3], tiles[..., :3])
    assert (read_atlas(tmp_path / 'rgb.png')[..., 3] == 255).all()
    Image.new('RGB', (20, 20)).save(tmp_path / 'square.png')
    (tmp_path / 'text.png').write_text('no picture')
    with pytest.raises(ValueError, match='square.png: an atlas is 6 tiles high'):
        read_atlas(tmp_path / 'square.png')
    with pytest.raises(ValueError, match='text.png: not a picture'):
        read_atlas(tmp_path / 'text.png')
    with pytest.raises(FileNotFoundError, match='none.png'):
        read_atlas(tmp_path / 'none.png')
    with pytest.raises(ValueError, match='2 to 4096'):
        TextureSum(1)


def test_an_iuv_picture_is_a_result():
    iuv = np.random.default_rng(0).integers(0, 25, (17, 23, 3)).astype(np.uint8)
    iuv[iuv[..., 0] == 0] = 0
    np.testing.assert_array_equal(DensePoseResult.from_iuv(iuv).to_image(), iuv)
    np.testing.assert_array_equal(DensePoseResult.from_iuv(iuv[:1, :1]).to_image(), iuv[:1, :1])
    with pytest.raises(ValueError, match='I must be 0..24, got 99; perhaps the channels'):
        DensePoseResult.from_iuv(np.full((3, 3, 3), 99, np.uint8))
