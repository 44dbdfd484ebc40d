"""Who stands where, and that the picture and its labels tell the same story."""
import numpy as np
import pytest

from ktn_mm.surface.charts import SURFACE_TO_PART, SURFACES
from ktn_mm.synth.camera import look_at, supersample
from ktn_mm.synth.environments import (
    find_photos,
    load_environments,
    look_at_panorama,
    split_of_photo,
)
from ktn_mm.synth.noise import noise
from ktn_mm.synth.outfits import draw_outfit, recipes_of_split, split_of_recipe
from ktn_mm.synth.picture import draw_picture
from ktn_mm.synth.points import MAX_POINTS, points_of_part, sample_points, spread
from ktn_mm.synth.scene import draw_scene, draw_view

SPLITS = ('train', 'val', 'test')


def test_camera_projects_along_its_rays():
    camera = look_at(np.array([.3, -4, 1.5]), np.array([0, 0, 1.]), 300, (64, 48), tilt=7)
    rays = camera.rays()
    for x, y in ((0, 0), (63, 47), (10, 40)):
        seen = camera.project(camera.eye + 3 * rays[y, x])
        np.testing.assert_allclose(seen[:2], (x, y), atol=1e-9)
    above, below = camera.project(np.array([[0, 0, 1.4], [0, 0, .6]]))
    assert above[1] < below[1] and above[2] > 0


def test_supersampling_keeps_pixel_centres_in_the_middle():
    fine = supersample(np.array([[0., 3, 1]]), 2)
    np.testing.assert_allclose(fine[0, :2], [.5, 6.5])


def test_panorama_is_looked_up_where_it_was_taken():
    panorama = np.zeros((16, 32, 3), np.float32)
    panorama[2, 8] = 1                                  # high up, a quarter turn to the left
    polar, turn = 2.5 / 16 * np.pi, 8.5 / 32 * 2 * np.pi
    toward = np.array([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)])
    assert look_at_panorama(panorama, toward[None, None])[0, 0, 0] == pytest.approx(1, abs=.02)
    assert look_at_panorama(panorama, -toward[None, None])[0, 0, 0] == 0


def test_noise_is_smooth_and_of_unit_spread():
    points = np.random.default_rng(0).uniform(-1, 1, (4000, 3))
    values = noise(points, 8., 5)
    assert abs(values.mean()) < .1 and .6 < values.std() < 1.1
    assert np.abs(noise(points + 1e-4, 8., 5) - values).max() < .05
    assert np.abs(noise(points, 8., 6) - values).max() > .5


def test_splits_share_no_place_and_no_outfit():
    places = [{one.name for one in load_environments(split)} for split in SPLITS]
    assert sum(map(len, places)) == len(set().union(*places)) == 18
    photos = [{path.name for path in find_photos(split)} for split in SPLITS]
    assert sum(map(len, photos)) == len(set().union(*photos))
    assert split_of_photo('pexels-2560067.jpg') is None
    recipes = [set(recipes_of_split(split)) for split in SPLITS]
    assert sum(map(len, recipes)) == len(set().union(*recipes)) == 7 * 6 * 8
    for split, own in zip(SPLITS, recipes, strict=True):
        for part in range(3):
            assert len({recipe[part] for recipe in own}) == (7, 6, 8)[part]
        rng = np.random.default_rng(1)
        assert all(split_of_recipe(draw_outfit(rng, split).recipe) == split for _ in range(30))


def test_views_are_shared_as_in_photographs():
    rng = np.random.default_rng(2)
    views = np.abs([draw_view(rng) for _ in range(4000)])
    assert views.max() <= 180
    assert .59 < (views <= 60).mean() < .67 and .13 < (views > 120).mean() < .19


@pytest.fixture(scope='module')
def drawn(body, tailor):
    """Twelve scenes with their labels."""
    result = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scene = draw_scene(rng, 'train', (128, 128), body, tailor, use_photos=False)
        result.append((scene, *draw_picture(scene, body, tailor, rng)))
    return result


def test_elevated_cameras_look_down_on_the_same_people(body, tailor):
    for seed in range(6):
        level, above = (draw_scene(np.random.default_rng(seed), 'train', (96, 96), body, tailor,
                                   use_photos=False, elevation=elevation)
                        for elevation in (None, (40, 75)))
        for one, other in zip(level.people, above.people, strict=True):
            np.testing.assert_array_equal(one.vertices, other.vertices)
        targets = [camera.eye - camera.eye[1] / camera.axes[2][1] * camera.axes[2]
                   for camera in (level.camera, above.camera)]
        np.testing.assert_allclose(*targets, atol=1e-9)
        assert 40 <= -np.degrees(np.arcsin(above.camera.axes[2][2])) <= 75
        assert np.linalg.norm(targets[1] - above.camera.eye) == pytest.approx(
            -level.camera.eye[1])


def test_labels_are_within_their_ranges(drawn):
    for scene, picture, labels in drawn:
        assert picture.shape == (128, 128, 3) and picture.dtype == np.uint8
        assert picture.std() > 5
        np.testing.assert_array_equal(labels.person > 0, labels.surface > 0)
        assert labels.person.max() <= len(scene.people) and labels.surface.max() <= 24
        assert labels.uv.min() >= 0 and labels.uv.max() <= 1
        assert np.isfinite(labels.depth[labels.person > 0]).all()


def test_right_hands_are_at_the_left_of_people_who_face_us(drawn, body):
    """Own-side charts, seen from the camera, not the viewer's left and right."""
    checked = 0
    for scene, _, labels in drawn:
        for number, person in enumerate(scene.people, 1):
            if abs(person.view) > 40 or person.pose.name not in ('stand', 'stand apart'):
                continue
            own = np.where(labels.person == number, labels.surface, 0)
            sides = {}
            for side in ('left', 'right'):
                limbs = [s.index for s in SURFACES if s.side == side and s.noun != 'head']
                columns = np.nonzero(np.isin(own, limbs))[1]
                sides[side] = columns.mean() if len(columns) > 30 else None
            if None not in sides.values():
                assert sides['right'] < sides['left']
                checked += 1
            front, back = (own == 2).sum(), (own == 1).sum()
            assert front >= back
    assert checked >= 1


def test_labels_are_those_of_the_nearest_surface(drawn, body):
    """A labelled pixel lies on its person's surface, near a vertex of that chart."""
    scene, _, labels = drawn[0]
    rays = scene.camera.rays()
    for number, person in enumerate(scene.people, 1):
        y, x = np.nonzero(labels.person == number)
        for row in range(0, len(x), 97):
            ray = rays[y[row], x[row]]
            ahead = ray @ scene.camera.axes[2]
            point = scene.camera.eye + ray * labels.depth[y[row], x[row]] / ahead
            faces = body.faces[body.face_surface == labels.surface[y[row], x[row]]]
            vertices = person.vertices[np.unique(faces)]
            assert np.linalg.norm(vertices - point, axis=1).min() < .05


def test_points_are_spread_over_every_part():
    surface = np.zeros((60, 60), np.uint8)
    surface[5:50, 5:30], surface[5:12, 35:40], surface[20, 40] = 2, 3, 24
    pixels = sample_points(np.random.default_rng(0), surface)
    parts = SURFACE_TO_PART[surface[pixels[:, 1], pixels[:, 0]]]
    assert (parts > 0).all()
    assert len(np.unique(pixels, axis=0)) == len(pixels)
    counts = {part: int((parts == part).sum()) for part in np.unique(parts)}
    assert counts == {1: MAX_POINTS, 2: points_of_part(35), 14: 1}
    torso = pixels[parts == 1]
    gaps = np.linalg.norm(torso[:, None] - torso, axis=-1) + 1e9 * np.eye(len(torso))
    assert gaps.min() > 3
    assert len(spread(np.random.default_rng(0), pixels[:3], 14)) == 3
