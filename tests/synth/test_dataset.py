"""The files: same bytes, valid COCO, exact points."""
import json
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from ktn_mm.structures.crop_frame import box_to_image
from ktn_mm.surface.charts import KEYPOINTS, NUM_PARTS, SURFACE_TO_PART, SURFACES
from ktn_mm.synth.dataset import make_dataset, statistics
from ktn_mm.visualization.dataset_sheet import write_sheet

from .conftest import COUNTS, SIZE


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob('*')) if path.is_file()}


def test_workers_start_after_opencv_has_used_threads(tmp_path):
    """A forked worker that ends its parent's threads waits for them for ever."""
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 5)
        make_dataset(tmp_path, {'train': 2}, (96, 96), seed=3, workers=2, progress=False)
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(threads)
    assert len(list((tmp_path / 'train').glob('*.jpg'))) == 2


def people(tiny):
    """Every annotation with its map and the mask of its pixels."""
    out, coco = tiny
    for split, data in coco.items():
        for image in data['images']:
            stem = out / split / image['file_name'].removesuffix('.jpg')
            iuv = np.array(Image.open(f'{stem}_iuv.png'))
            ids = np.array(Image.open(f'{stem}_ids.png'))
            own = [a for a in data['annotations'] if a['image_id'] == image['id']]
            for position, annotation in enumerate(own, 1):
                yield annotation, iuv, ids == position


def test_one_process_writes_the_same_bytes(tiny, tmp_path):
    out, _ = tiny
    make_dataset(tmp_path, {'train': 2, 'val': 1}, SIZE, seed=3, workers=1, dense=True,
                 progress=False)
    again, before = contents(tmp_path), contents(out)
    pictures = [name for name in again if name.endswith(('.jpg', '.png'))]
    assert len(pictures) == 9
    for name in pictures + [name for name in again if 'records' in name]:
        assert again[name] == before[name], name


def test_another_seed_is_another_picture(tiny, tmp_path):
    make_dataset(tmp_path, {'train': 1}, SIZE, seed=4, progress=False)
    assert ((tmp_path / 'train/000001.jpg').read_bytes()
            != (tiny[0] / 'train/000001.jpg').read_bytes())


def test_cameras_from_above_see_the_same_people_otherwise(tiny, tmp_path):
    _, coco = tiny
    other = make_dataset(tmp_path, {'train': 2}, SIZE, seed=3, elevation=(60, 60), dense=True,
                         progress=False)['train']
    views, level_views = ({(one['image_id'], one['synth']['number']): one['synth']['view']
                           for one in data['annotations']} for data in (other, coco['train']))
    both = set(views) & set(level_views)
    assert both and all(views[key] == level_views[key] for key in both)
    assert ((tmp_path / 'train/000001.jpg').read_bytes()
            != (tiny[0] / 'train/000001.jpg').read_bytes())
    assert other['info']['settings']['elevation'] == [60, 60]
    assert 'elevation' not in coco['train']['info']['settings']


def test_interrupted_run_is_taken_up(tiny, tmp_path):
    out = tmp_path / 'copy'
    shutil.copytree(tiny[0], out)
    before = contents(out)
    (out / 'train/000002.jpg').unlink()
    (out / 'records/val/1000001.json').unlink()
    (out / 'annotations/densepose_open_train.json').unlink()
    kept = (out / 'train/000001.jpg').stat().st_mtime_ns
    make_dataset(out, COUNTS, SIZE, seed=3, workers=1, dense=True, progress=False)
    assert contents(out) == before
    assert (out / 'train/000001.jpg').stat().st_mtime_ns == kept


def test_maps_come_later_and_change_nothing_else(tiny, tmp_path):
    plain = make_dataset(tmp_path, {'val': 1}, SIZE, seed=3, progress=False)
    before = contents(tmp_path)
    assert not list((tmp_path / 'val').glob('*_iuv.png'))
    picture, = (tmp_path / 'val').glob('*.jpg')
    picture.write_bytes(picture.read_bytes() + b'rounded otherwise')
    before = contents(tmp_path)
    assert make_dataset(tmp_path, {'val': 1}, SIZE, seed=3, dense=True, progress=False) == plain
    after = contents(tmp_path)
    assert {path: after[path] for path in before} == before
    maps = sorted(path for path in after if path not in before)
    assert len(maps) == 2 and [after[path] for path in maps] == [
        (tiny[0] / path).read_bytes() for path in maps]


def test_maps_of_another_picture_are_refused(tmp_path):
    make_dataset(tmp_path, {'val': 1}, SIZE, seed=3, progress=False)
    record, = (tmp_path / 'records/val').iterdir()
    record.write_text(record.read_text().replace('"area": ', '"area": 1'))
    with pytest.raises(ValueError, match='made with other versions of packages'):
        make_dataset(tmp_path, {'val': 1}, SIZE, seed=3, dense=True, progress=False)


@pytest.mark.parametrize('change, word', [({'seed': 9}, 'seed'), ({'size': (96, 96)}, 'size'),
                                          ({'elevation': (30, 60)}, 'elevation')])
def test_other_settings_are_refused(tiny, change, word):
    settings = {'size': SIZE, 'seed': 3, 'dense': True, 'progress': False, **change}
    with pytest.raises(ValueError, match=f'settings.json.*{word} ='):
        make_dataset(tiny[0], COUNTS, **settings)


def test_scenes_of_another_kind_are_refused_by_what_they_are(tiny, tmp_path):
    settings = json.loads((tiny[0] / 'settings.json').read_text())
    staged = {**settings, 'version': 'staged 1', 'motions': '10b0'}
    (tmp_path / 'settings.json').write_text(json.dumps(staged))
    with pytest.raises(ValueError, match='made with staged scenes, version 1, now it is plain sc'):
        make_dataset(tmp_path, COUNTS, SIZE, seed=3, progress=False)


@pytest.mark.parametrize('arguments, word', [
    (({'training': 1},), 'training'), (({'train': -1},), 'train'), (({'val': 1}, (8, 8)), 'size'),
    (({'val': 1}, (64, 64), 0, 0), 'workers')])
def test_wrong_arguments_are_named(tmp_path, arguments, word):
    with pytest.raises(ValueError, match=word):
        make_dataset(tmp_path, *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('more, words', [
    ({'elevation': (60, 40)}, 'lower one first'), ({'elevation': (-1, 40)}, 'from 0 to 85'),
    ({'elevation': (40, 86)}, 'from 0 to 85'), ({'elevation': (float('nan'), 40)}, 'nan'),
    ({'elevation': (40, 50, 60)}, 'two angles'), ({'elevation': (40,)}, 'two angles'),
    ({'elevation': (40, 60), 'staged': True}, 'plain scenes')])
def test_wrong_elevations_are_named(tmp_path, more, words):
    with pytest.raises(ValueError, match=words):
        make_dataset(tmp_path, {'train': 1}, **more)
    assert not list(tmp_path.iterdir())


def test_files_are_coco(tiny, capsys):
    out, coco = tiny
    seen = {'images': [], 'annotations': []}
    for split, count in COUNTS.items():
        data = COCO(str(out / f'annotations/densepose_open_{split}.json'))
        assert len(data.imgs) == count
        assert data.loadCats(1)[0]['keypoints'] == list(KEYPOINTS)
        for image in data.imgs.values():
            assert Image.open(out / split / image['file_name']).size == SIZE
        for annotation in data.anns.values():
            assert data.annToMask(annotation).sum() == annotation['area']
        for key in seen:
            seen[key] += [one['id'] for one in coco[split][key]]
    for ids in seen.values():
        assert len(ids) == len(set(ids)) and min(ids) == 1


def test_boxes_are_tight_and_masks_exact(tiny):
    for annotation, _, mask in people(tiny):
        np.testing.assert_array_equal(coco_mask.decode(annotation['segmentation']), mask)
        y, x = np.nonzero(mask)
        assert annotation['bbox'] == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]


def test_points_carry_what_their_pixel_shows(tiny):
    total = 0
    for annotation, iuv, mask in people(tiny):
        if 'dp_I' not in annotation:
            continue
        frame = np.stack([annotation['dp_x'], annotation['dp_y']], 1)
        assert frame.min() >= 0 and frame.max() <= 256
        points = box_to_image(frame, annotation['bbox'], 256)
        pixels = np.rint(points).astype(int)
        np.testing.assert_allclose(points, pixels, atol=1e-4)
        x, y = pixels.T
        assert mask[y, x].all()
        np.testing.assert_array_equal(iuv[y, x, 0], annotation['dp_I'])
        for channel, key in ((1, 'dp_U'), (2, 'dp_V')):
            values = np.array(annotation[key])
            assert values.min() >= 0 and values.max() <= 1
            np.testing.assert_allclose(iuv[y, x, channel], values * 255, atol=.51)
        parts = SURFACE_TO_PART[iuv[y, x, 0]]
        assert np.bincount(parts).max() <= 14
        visible = np.unique(SURFACE_TO_PART[iuv[mask][:, 0]])
        np.testing.assert_array_equal(np.unique(parts), visible)
        total += len(x)
    assert total > 500


def test_part_masks_show_the_box_frame(tiny):
    for annotation, iuv, mask in people(tiny):
        if 'dp_masks' not in annotation:
            continue
        assert len(annotation['dp_masks']) == NUM_PARTS
        frame = np.zeros((256, 256), int)
        for part, rle in enumerate(annotation['dp_masks'], 1):
            if rle:
                assert rle['size'] == [256, 256] and isinstance(rle['counts'], str)
                frame[coco_mask.decode(rle) > 0] = part
        x0, y0, w, h = annotation['bbox']
        part = SURFACE_TO_PART[np.where(mask, iuv[..., 0], 0)]
        for row in range(0, 256, 5):
            for column in range(0, 256, 5):
                at = part[int(y0 + (row + .5) * h / 256), int(x0 + (column + .5) * w / 256)]
                assert frame[row, column] == at


def test_visible_limb_joints_lie_on_their_own_side(tiny):
    checked = 0
    for annotation, iuv, mask in people(tiny):
        keypoints = np.array(annotation['keypoints']).reshape(-1, 3)
        assert annotation['num_keypoints'] == (keypoints[:, 2] > 0).sum()
        assert (keypoints[keypoints[:, 2] == 0] == 0).all()
        for name, (x, y, v) in list(zip(KEYPOINTS, keypoints, strict=True))[5:]:
            if v == 2:
                column, line = int(np.floor(x + .5)), int(np.floor(y + .5))
                assert mask[line, column]
                side = SURFACES[iuv[line, column, 0] - 1].side
                assert side in ('middle', name.split('_')[0]), name
                checked += 1
    assert checked > 40


def test_splits_share_nothing(tiny):
    _, coco = tiny
    for keys in (('pose',), ('top', 'bottom', 'pattern')):
        sets = [{tuple(a['synth'][k] for k in keys) for a in data['annotations']}
                for data in coco.values()]
        assert all(not a & b for i, a in enumerate(sets) for b in sets[:i])
    places = [set(data['info']['backdrops']) for data in coco.values()]
    assert all(not a & b for i, a in enumerate(places) for b in places[:i])


def test_statistics_and_sheet(tiny, tmp_path):
    out, coco = tiny
    numbers = statistics(coco['train'])
    assert numbers['pictures'] == COUNTS['train']
    assert numbers['front'] + numbers['side'] + numbers['behind'] == pytest.approx(1)
    write_sheet(tmp_path / 'sheet.png', out / 'train', coco['train'], rows=2, columns=2)
    assert Image.open(tmp_path / 'sheet.png').size == (SIZE[0] * 8, SIZE[1] * 2)
    assert json.loads((out / 'settings.json').read_text())['seed'] == 3
