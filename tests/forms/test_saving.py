import json

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ktn_mm.evaluation.challenge_json import read_picture
from ktn_mm.forms import FORMS
from ktn_mm.structures import CropFrame, DensePoseResult, PersonMaps, PersonPose
from ktn_mm.surface.charts import KEYPOINTS

SIZE = 60, 50


def person(rng, box, score):
    """A person whose crop has the box's pixels."""
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    # a crop spans from its first pixel's centre to its last one's
    frame = CropFrame(((x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2), (w - 1, h - 1), (w, h))
    maps = PersonMaps(frame, rng.integers(0, 25, (h, w)).astype(np.uint8),
                      rng.random((2, h, w)).astype(np.float32))
    return PersonPose(np.float32(box), score, rng.uniform(box[:2], box[2:], (17, 2)),
                      rng.random(17), maps)


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    image = np.full((SIZE[1], SIZE[0], 3), (40, 90, 200), np.uint8)
    people = [person(rng, (5, 4, 35, 44), .5), person(rng, (20, 9, 50, 49), .75)]
    return DensePoseResult.from_people(SIZE, people, image=image)


@pytest.fixture
def nobody():
    return DensePoseResult(SIZE, image=np.zeros((SIZE[1], SIZE[0], 3), np.uint8))


def test_iuv_is_red_green_blue(result, tmp_path):
    result.save(tmp_path / 'a.png')
    read = Image.open(tmp_path / 'a.png')
    assert (read.mode, read.size) == ('RGB', SIZE)
    labels, uv, _ = result.to_maps()
    red, green, blue = np.moveaxis(np.array(read), -1, 0)
    np.testing.assert_array_equal(red, labels)
    np.testing.assert_array_equal(green, np.rint(uv[..., 0] * 255))
    np.testing.assert_array_equal(blue, np.rint(uv[..., 1] * 255))
    assert labels[12, 22] == result.people[1].labels[3, 2]


def test_iuv_bgr_is_what_opencv_users_write(result, tmp_path):
    result.save(tmp_path / 'a.png', 'iuv_bgr')
    cv2.imwrite(str(tmp_path / 'theirs.png'), result.to_image())
    ours, theirs = (cv2.imread(str(tmp_path / f'{n}.png'), cv2.IMREAD_UNCHANGED)
                    for n in ('a', 'theirs'))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(ours[..., 0], result.to_maps()[0])
    assert Image.open(tmp_path / 'a.png').getpixel((22, 12))[2] == result.to_maps()[0][12, 22]


def test_json_holds_the_picture_of_every_box(result, tmp_path):
    result.save(tmp_path / 'a.json', image_id=42)
    records = json.loads((tmp_path / 'a.json').read_text())
    assert [r['image_id'] for r in records] == [42, 42]
    assert [r['score'] for r in records] == [.5, .75]
    assert records[0]['bbox'] == [5, 4, 30, 40]
    for record, maps in zip(records, result.people):
        labels, u, v = read_picture(record)
        np.testing.assert_array_equal(labels, maps.labels)
        shown = labels > 0
        # this format truncates
        np.testing.assert_array_equal(u[shown], np.floor(maps.uv[0] * 255)[shown])
        np.testing.assert_array_equal(v[shown], np.floor(maps.uv[1] * 255)[shown])


def test_keypoints_are_found_by_coco(result, tmp_path):
    result.save(tmp_path / 'a.json', 'keypoints', image_id=7)
    annotations = [dict(id=i + 1, image_id=7, category_id=1, iscrowd=0, area=1200.,
                        bbox=[*box[:2], *(box[2:] - box[:2])], num_keypoints=17,
                        keypoints=np.column_stack([points, np.full(17, 2)]).ravel().tolist())
                   for i, (box, points) in enumerate(zip(result.boxes, result.keypoints))]
    truth = COCO()
    truth.dataset = dict(info={}, images=[dict(id=7)], annotations=annotations,
                         categories=[dict(id=1, name='person', keypoints=list(KEYPOINTS))])
    truth.createIndex()
    score = COCOeval(truth, truth.loadRes(str(tmp_path / 'a.json')), 'keypoints')
    score.evaluate()
    score.accumulate()
    score.summarize()
    assert score.stats[0] == pytest.approx(1)
    record = json.loads((tmp_path / 'a.json').read_text())[1]
    np.testing.assert_allclose(np.reshape(record['keypoints'], (17, 3))[:, 2],
                               result.keypoint_scores[1], atol=1e-3)


def test_npz_of_nobody_has_the_same_arrays(result, tmp_path):
    DensePoseResult.from_people(result.image_size, []).save(tmp_path / 'nobody.npz')
    result.save(tmp_path / 'people.npz')
    with np.load(tmp_path / 'nobody.npz') as nobody, np.load(tmp_path / 'people.npz') as people:
        assert nobody.keys() == people.keys()
        for name in people:
            assert nobody[name].dtype == people[name].dtype, name
            assert nobody[name].ndim == people[name].ndim, name
        assert len(nobody['labels']) == len(nobody['crop_scale']) == 0


def test_npz_holds_plain_arrays(result, tmp_path):
    result.save(tmp_path / 'a.npz')
    with np.load(tmp_path / 'a.npz', allow_pickle=False) as read:
        np.testing.assert_array_equal(read['iuv'], result.to_image())
        np.testing.assert_array_equal(read['person'], result.to_maps()[2])
        for name in ('boxes', 'scores', 'keypoints', 'keypoint_scores'):
            np.testing.assert_array_equal(read[name], getattr(result, name))
        for i, maps in enumerate(result.people):
            frame = CropFrame(read['crop_center'][i], read['crop_scale'][i],
                              read['labels'].shape[:0:-1])
            assert frame == maps.frame
            np.testing.assert_array_equal(read['labels'][i], maps.labels)
            np.testing.assert_allclose(read['uv'][i], maps.uv, atol=1e-3)


def test_overlay_and_contours_leave_the_rest_of_the_picture(result, tmp_path):
    for form in ('overlay', 'contours'):
        result.save(tmp_path / f'{form}.png', form)
        read = cv2.imread(str(tmp_path / f'{form}.png'))
        assert read.shape == result.image.shape
        corner = np.s_[:3, :3]
        np.testing.assert_array_equal(read[corner], result.image[corner])
        changed = (read != result.image).any(-1)
        assert changed[result.to_maps()[0] > 0].mean() > .9
    result.save(tmp_path / 'overlay.jpg')
    assert cv2.imread(str(tmp_path / 'overlay.jpg')).shape == result.image.shape


def test_dp_segm_is_coloured_as_detectron2_does(result, tmp_path):
    labels = result.to_maps()[0]
    scaled = (labels.astype(np.float32) * (255. / 24)).clip(0, 255).astype(np.uint8)
    result.save(tmp_path / 'viridis.png', 'dp_segm')
    read = cv2.imread(str(tmp_path / 'viridis.png'))
    np.testing.assert_array_equal(read, cv2.applyColorMap(scaled, cv2.COLORMAP_VIRIDIS))
    assert read[0, 0, ::-1].tolist() == [68, 1, 84]
    result.save(tmp_path / 'parula.png', 'dp_segm_parula')
    read = cv2.imread(str(tmp_path / 'parula.png'))
    expected = cv2.applyColorMap(scaled, cv2.COLORMAP_PARULA)
    np.testing.assert_array_equal(read, np.where(labels[..., None] > 0, expected, 0))
    assert not read[0, 0].any() and read[labels > 0].any(-1).all()


@pytest.mark.parametrize('form', FORMS)
def test_nobody_is_written_too(nobody, tmp_path, form):
    path = tmp_path / f'a{FORMS[form].suffix}'
    nobody.save(path, form)
    if FORMS[form].paint:
        read = cv2.imread(str(path))[..., ::-1]
        assert read.shape == nobody.image.shape
        assert (read == ([68, 1, 84] if form == 'dp_segm' else 0)).all()
    elif form == 'npz':
        with np.load(path, allow_pickle=False) as arrays:
            assert arrays['boxes'].shape == (0, 4) and (arrays['person'] == -1).all()
    else:
        assert json.loads(path.read_text()) == []


def test_what_exists_stays_unless_asked(result, nobody, tmp_path):
    result.save(tmp_path / 'a.png')
    with pytest.raises(FileExistsError, match='a.png exists'):
        nobody.save(tmp_path / 'a.png')
    assert cv2.imread(str(tmp_path / 'a.png')).any()
    nobody.save(tmp_path / 'a.png', overwrite=True)
    assert not cv2.imread(str(tmp_path / 'a.png')).any()
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']


@pytest.mark.parametrize('name, form, reason', [
    ('a.xyz', None, 'form must be one of iuv, iuv_bgr'),
    ('a.png', 'uvi', "got 'uvi'"),
    ('a.jpg', 'iuv', "'iuv' is written to files that end in .png"),
    ('a.png', 'npz', 'files that end in .npz'),
])
def test_forms_that_do_not_exist_or_fit_are_refused(result, tmp_path, name, form, reason):
    with pytest.raises(ValueError, match=reason):
        result.save(tmp_path / name, form)
    assert list(tmp_path.iterdir()) == []


def test_an_overlay_needs_the_picture(result, tmp_path):
    result.image = None
    with pytest.raises(ValueError, match='no image to draw on'):
        result.save(tmp_path / 'a.jpg')
