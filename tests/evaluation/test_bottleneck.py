"""The ladder against plain loops that change what each detection says of its own person."""
import math

import evaluation_oracle as oracle
import numpy as np
import pytest
from evaluation_cases import (
    FlatBody,
    TinyBody,
    block_data,
    block_picture,
    random_data,
    size_of,
    swap_sides,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ktn_mm.evaluation import GroundTruth, bottleneck, evaluate, measure
from ktn_mm.evaluation.bottleneck import KINDS, LADDER, reachable_iou
from ktn_mm.evaluation.coco_ap import score_thresholds
from ktn_mm.evaluation.diagnosis import diagnose
from ktn_mm.evaluation.filling import sample_filled


def measured(truth, detections):
    return [measure(d['picture'], d['box'], d['score'], truth, d['image_id'], filled=True)
            for d in detections]


def own_person(detection, people):
    """The person that the detection's box overlaps most; None for nobody dense."""
    overlaps = [oracle.box_iou(detection['box'], p['bbox'], p.get('iscrowd', 0)) for p in people]
    if not overlaps or max(overlaps) == 0:
        return None
    best = overlaps.index(max(overlaps))
    return best if 'dp_x' in people[best] else None


def ladder_gps(annotation, detection, template, replaced, clean):
    """GPS of a detection and its own person, with answers replaced."""
    x, y, w, h = annotation['bbox']
    frame = 256. if clean else 255.
    points = [(px * w / frame + x, py * h / frame + y)
              for px, py in zip(annotation['dp_x'], annotation['dp_y'])]
    filled = sample_filled(detection['picture'], np.array(detection['box']),
                           np.array(points).reshape(-1, 2), truncates=not clean)
    values = []
    for n, point in enumerate(points):
        i, u, v = (annotation[f'dp_{k}'][n] for k in 'IUV')
        if i not in range(1, 25):
            continue
        surface = int(i) if 's' in replaced else int(filled[n, 0])
        if oracle.pixel_of(detection, *point, clean) is None or not surface:
            values.append(0.)
            continue
        found = oracle.vertex(template, surface, u if 'u' in replaced else filled[n, 1] / 255.,
                              v if 'v' in replaced else filled[n, 2] / 255.)
        metres = float(template.distance(np.array([oracle.vertex(template, i, u, v)]),
                                         np.array([found]))[0])
        values.append(math.exp(-metres ** 2 / (2 * oracle.KAPPA[oracle.GROUP[int(i)]] ** 2)))
    return float(np.mean(values)) if values else 0.


def ladder_iou(annotation, mask, detection, image, put):
    """IoU of the person with what the box holds of it."""
    box = put(np.ones(size_of(detection['box'])), detection['box'], image)
    return oracle.mask_iou(mask & box, mask, annotation.get('iscrowd', 0))


def plain_ladder(data, detections, template, clean):
    """AP of GPS and GPSm in every row of the ladder."""
    put = oracle.under_centres if clean else oracle.on_image
    thresholds = score_thresholds()
    last = {a['id']: a for a in data['annotations']}
    rows = {(r, k): [[] for _ in thresholds] for r in range(len(LADDER)) for k in KINDS}
    images, wanted = sorted(data['images'], key=lambda i: i['id']), 0
    persons = [a if clean else last[a['id']] for i in images for a in data['annotations']
               if a['image_id'] == i['id']]
    for image in images:
        people = [p for p in persons if p['image_id'] == image['id']]
        found = [d | dict(mask=put(d['picture'][0] > 0, d['box'], image)) for d in detections
                 if d['image_id'] == image['id']]
        found = sorted(found, key=lambda d: -d['score'])[:20]
        masks = [oracle.annotation_mask(p, image, clean) for p in people]
        boxes = [[oracle.box_iou(d['box'], p['bbox'], p.get('iscrowd', 0)) for p in people]
                 for d in found]
        gps = [[oracle.gps(p, d, template, clean) for p in people] for d in found]
        iou = [[oracle.mask_iou(d['mask'], mask, p.get('iscrowd', 0))
                for p, mask in zip(people, masks)] for d in found]
        for r, (_, replaced) in enumerate(LADDER):
            for d, detection in enumerate(found if replaced else ()):
                g = own_person(detection, people)
                if g is not None:
                    gps[d][g] = ladder_gps(people[g], detection, template, replaced, clean)
                    iou[d][g] = ladder_iou(people[g], masks[g], detection, image, put)
            mixed = [[math.sqrt(a * b) for a, b in zip(*pair)] for pair in zip(gps, iou)]
            for kind, values in zip(KINDS, (gps, mixed)):
                image_rows, image_wanted = oracle.match_image(
                    values, boxes, people, found, oracle.AREAS[''], thresholds, clean)
                for t, more in enumerate(image_rows):
                    rows[r, kind][t].extend(more)
        wanted += image_wanted
    return [[float(np.mean([oracle.curve(row, wanted)[0] for row in rows[r, kind]]))
             if wanted else -1. for kind in KINDS] for r in range(len(LADDER))]


@pytest.mark.parametrize('compat', ['detectron2', None])
@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10 ** 9), portion=st.sampled_from([7, bottleneck.PORTION]))
def test_equals_plain_loops(compat, seed, portion):
    data, detections = random_data(seed)
    truth, body = GroundTruth(data, compat=compat), TinyBody(seed % 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bottleneck, 'PORTION', portion)
        found = diagnose(truth, measured(truth, detections), body).bottleneck
    got = np.nan_to_num(np.stack([found.gps[:, 0], found.gpsm[:, 0]], -1), nan=-1)
    assert got == pytest.approx(np.array(
        plain_ladder(data, detections, body, compat is None)), abs=1e-9)


def test_rows_say_what_they_replace():
    codes = dict(mask='m', surface='s', U='u', V='v', nothing='')
    for name, replaced in LADDER:
        assert sorted(codes[word] for word in name.split(', ') if codes[word]) == sorted(replaced)
    assert [name for name, _ in LADDER] == [
        'nothing', 'mask', 'mask, U, V', 'mask, surface', 'mask, surface, V', 'mask, surface, U',
        'mask, surface, U, V']


def test_random_cases_climb():
    """The comparison above means little if no row differed from the next."""
    steps = []
    for seed in range(30):
        data, detections = random_data(seed)
        truth = GroundTruth(data)
        found = diagnose(truth, measured(truth, detections), TinyBody(seed % 7)).bottleneck
        steps.append(np.diff(found.gps[:, 0]))
    assert ((np.abs(steps) > 1e-3).mean(0) > .2).all()


@pytest.mark.parametrize('compat', ['detectron2', None])
@pytest.mark.parametrize('seed', range(8))
def test_first_row_is_the_evaluation(seed, compat):
    data, detections = random_data(seed)
    truth, body = GroundTruth(data, compat=compat), TinyBody(seed)
    found = measured(truth, detections)
    ladder = diagnose(truth, found, body).bottleneck
    figures = evaluate(truth, found, body)
    for kind, values in (('GPS', ladder.gps), ('GPSm', ladder.gpsm)):
        expected = [figures[f'{kind}/{name}'] for name in ('AP', 'AP50', 'AP75')]
        if detections:
            assert np.nan_to_num(values[0], nan=-1).tolist() == expected


def block_ladder(change, score=1.):
    data = block_data()
    truth = GroundTruth(data)
    found = measured(truth, [dict(
        image_id=a['image_id'], box=a['bbox'], score=score,
        picture=change(block_picture(size_of(a['bbox'])))) for a in data['annotations']])
    ladder = diagnose(truth, found, FlatBody()).bottleneck
    return dict(zip((replaced for _, replaced in LADDER), ladder.gps[:, 0])), dict(
        zip((replaced for _, replaced in LADDER), ladder.gpsm[:, 0]))


def test_what_was_spoilt_is_what_the_ladder_names():
    def empty(picture):
        return np.zeros_like(picture)

    def thin(picture):
        picture = picture.copy()
        picture[:, :, :picture.shape[2] // 2] = 0
        return picture

    def no_u(picture):
        return picture * np.uint8([1, 0, 1])[:, None, None]

    gps, gpsm = block_ladder(swap_sides)
    assert gps['m'] == gps[''] == gps['muv'] == 0 and gps['ms'] > .9
    gps, gpsm = block_ladder(no_u)
    assert gps['msu'] > .95 and gps['msuv'] == pytest.approx(1)
    assert gps['msv'] == pytest.approx(gps['ms'], abs=.03) and gps['ms'] < gps['msu'] - .1
    gps, gpsm = block_ladder(thin)
    assert gpsm[''] < .2 < gpsm['m'] < gpsm['ms'] and gpsm['msuv'] == pytest.approx(1)
    gps, _ = block_ladder(empty)
    assert gps[''] == gps['m'] == gps['muv'] == 0 and gps['msuv'] == pytest.approx(1)


def test_a_box_that_holds_half_leaves_half():
    mask = np.zeros((40, 60), bool)
    mask[10:30, 20:40] = 1
    for truncates in (True, False):
        for box, crowd, expected in (([20., 10, 10, 20], False, .5), ([20., 10, 10, 20], True, 1),
                                     ([0., 0, 10, 20], False, 0), ([-90., 0, 9, 9], False, 0)):
            assert reachable_iou(mask, np.array(box), crowd=crowd,
                                 truncates=truncates) == expected


def test_needs_filled_samples():
    data, detections = random_data(3)
    truth = GroundTruth(data)
    bare = [measure(d['picture'], d['box'], d['score'], truth, d['image_id'])
            for d in detections]
    with pytest.raises(ValueError, match='image [0-9]+: .*filled=True'):
        diagnose(truth, bare, TinyBody())
