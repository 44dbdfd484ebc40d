"""Part segmentation against whole-image maps compared pixel by pixel, and by hand."""
import numpy as np
import pytest
from evaluation_cases import random_data, rle, size_of
from hypothesis import given, settings
from hypothesis import strategies as st
from part_oracle import plain_figures

from ktn_mm.evaluation import GroundTruth, measure
from ktn_mm.evaluation.diagnosis_table import parts_table
from ktn_mm.evaluation.ground_truth import Image, read_person
from ktn_mm.evaluation.part_figures import average_precision, part_figures
from ktn_mm.evaluation.part_maps import pack_parts, unpack_parts, visible_parts
from ktn_mm.surface.charts import NUM_PARTS, PARTS, SURFACE_TO_PART, SURFACES

FIRST_SURFACE = np.array([0] + [next(s.index for s in SURFACES if s.part == p.index)
                                for p in PARTS], np.uint8)
"""(15,): part -> one of its surfaces."""


def person(parts, box, image_id=1, number=1, **more):
    """Return an annotation whose part map over its box is the given one."""
    w, h = int(box[2]), int(box[3])
    rows, columns = ((np.arange(256) + .5) * n / 256 for n in (h, w))
    frame = np.asarray(parts)[np.ix_(rows.astype(int), columns.astype(int))]
    masks = [rle(frame == p) if (frame == p).any() else [] for p in range(1, NUM_PARTS + 1)]
    return dict(id=number, image_id=image_id, category_id=1, bbox=[float(v) for v in box],
                area=w * h, iscrowd=0, dp_x=[9.], dp_y=[9.], dp_I=[2.], dp_U=[.5], dp_V=[.5],
                dp_masks=masks, **more)


def data_of(*annotations, images=(1,), size=(60, 80)):
    return dict(images=[dict(id=i, height=size[0], width=size[1]) for i in images],
                annotations=list(annotations), categories=[dict(id=1, name='person')])


def figures(data, *detections, **options):
    """Score detections, each a part map, a box, a score and perhaps an image."""
    truth = GroundTruth(data)
    found = []
    for parts, box, score, *image_id in detections:
        labels = FIRST_SURFACE[np.asarray(parts)]
        found.append(measure(np.stack([labels] * 3), np.array(box, float), score, truth,
                             *(image_id or (1,)), parts=True))
    return part_figures(truth, found, **options)


def doll(*parts, size=(32, 16)):
    """A map of bands, one a part."""
    bands = np.repeat(parts, -(-size[0] // len(parts)))[:size[0]]
    return np.repeat(bands[:, None], size[1], 1)


BOX = (10, 5, 16, 32)
IMAGE = Image(1, 60, 80)
FULL = doll(14, 1, 6, 8)


def test_perfect():
    result = figures(data_of(person(FULL, BOX)), (FULL, BOX, 1.))
    assert result.to_dict() == {'parts/AP': 1, 'parts/AP50': 1, 'parts/PCP50': 1,
                                'parts/mIoU': 1, 'parts/mAcc': 1}
    assert np.isnan(result.iou[[2, 3, 4, 5, 7, 9, 10, 11, 12, 13]]).all()
    assert result.confusion.sum() == 60 * 80


def test_swapped_left_and_right():
    annotated, swapped = doll(6, 7), doll(7, 6)
    result = figures(data_of(person(annotated, BOX)), (swapped, BOX, 1.))
    # background 1, both parts 0: a mean of 1/3, above 0.1, 0.2 and 0.3
    assert result.to_dict() == pytest.approx({
        'parts/AP': 3 / 9, 'parts/AP50': 0, 'parts/PCP50': 0, 'parts/mIoU': 1 / 3,
        'parts/mAcc': 1 / 3})
    assert result.confusion[6, 7] == result.confusion[7, 6] == 16 * 16


def test_one_missing_part():
    annotated, found = doll(14, 1, 6, 8), doll(14, 1, 6, 0)
    result = figures(data_of(person(annotated, BOX)), (found, BOX, 1.))
    missing = 8 * 16
    background = (4800 - 512) / (4800 - 512 + missing)
    mean = (background + 3) / 5
    assert .7 < mean < .8
    assert result.to_dict() == pytest.approx({
        'parts/AP': 7 / 9, 'parts/AP50': 1, 'parts/PCP50': .75, 'parts/mIoU': mean,
        'parts/mAcc': 4 / 5})


def test_unmatched_person_and_false_detection():
    far = (50, 20, 16, 32)
    data = data_of(person(FULL, BOX), person(FULL, far, number=2))
    one = figures(data, (FULL, BOX, .9))
    assert one.to_dict() == pytest.approx({
        'parts/AP': .5, 'parts/AP50': .5, 'parts/PCP50': .5, 'parts/mAcc': (1 + 4 * .5) / 5,
        'parts/mIoU': ((4800 - 1024) / (4800 - 512) + 4 * .5) / 5})
    # a false one of higher score halves the precision of what comes after it
    false = figures(data_of(person(FULL, BOX)), (FULL, far, .95), (FULL, BOX, .9))
    assert false.to_dict()['parts/AP50'] == .5 and false.to_dict()['parts/PCP50'] == 1
    # and a second one on the same person is false too, though behind the first
    twice = figures(data, (FULL, BOX, .9), (FULL, BOX, .8), (FULL, far, .7))
    assert twice.to_dict()['parts/AP50'] == pytest.approx(.5 + .5 * 2 / 3)


def test_two_persons_overlapping():
    """The upper half of the second lies under the first; the better score is painted on top."""
    below = (10, 21, 16, 32)
    annotations = person(doll(6, 8), BOX), person(doll(12, 10), below, number=2)
    data = data_of(*annotations)
    first, second = (doll(6, 8), BOX), (doll(12, 10), below)
    later_on_top = figures(data, (*first, .4), (*second, .8))
    assert later_on_top.iou[[6, 8, 12, 10]].tolist() == pytest.approx([1, np.nan, 1, 1],
                                                                     nan_ok=True)
    assert later_on_top.to_dict()['parts/mIoU'] == later_on_top.to_dict()['parts/AP'] == 1
    first_on_top = figures(data, (*first, .8), (*second, .4))
    assert first_on_top.iou[[6, 8, 12, 10]].tolist() == [1, 0, 0, 1]
    assert first_on_top.confusion[12, 8] == 16 * 16
    assert first_on_top.to_dict()['parts/AP'] == 1, 'persons are compared one by one'


def test_low_scores_are_not_painted_but_count_in_ap():
    data = data_of(person(FULL, BOX))
    faint = figures(data, (FULL, BOX, .2))
    assert faint.to_dict()['parts/AP'] == faint.to_dict()['parts/PCP50'] == 1
    assert faint.to_dict()['parts/mAcc'] == 1 / 5
    assert figures(data, (FULL, BOX, .2), min_score=.1).to_dict()['parts/mIoU'] == 1


def test_persons_without_part_masks_are_neither_found_nor_background():
    x, y, w, h = other = (50, 20, 16, 32)
    plain = dict(id=2, image_id=1, category_id=1, bbox=list(map(float, other)), area=512,
                 iscrowd=0, segmentation=[[x, y, x + w, y, x + w, y + h, x, y + h]])
    data = data_of(person(FULL, BOX), plain)
    for parts in (FULL, doll(1)):
        result = figures(data, (parts, other, .99), (FULL, BOX, .9))
        assert set(result.to_dict().values()) == {1.}
        assert result.confusion.sum() == 4800 - 512
    silhouette = plain | dict(dp_masks=rle(np.ones((256, 256))))
    result = figures(data_of(person(FULL, BOX), silhouette), (FULL, BOX, .9), (FULL, other, .9))
    assert set(result.to_dict().values()) == {1.}
    # less a row at the edge, which the reference's way of scaling masks loses
    assert result.confusion.sum() == 4800 - 31 * 16
    # one who lies outside the picture cannot be found
    result = figures(data_of(person(FULL, BOX), person(FULL, (90, 0, 16, 32), number=3)),
                     (FULL, BOX, .9))
    assert set(result.to_dict().values()) == {1.}
    # an image without anybody to parse is left out, with what was found there
    data = data_of(person(FULL, BOX), plain | dict(image_id=2), images=(1, 2))
    result = figures(data, (FULL, (0, 0, 16, 32), .99, 2), (FULL, BOX, .9))
    assert set(result.to_dict().values()) == {1.}
    nobody = person(FULL, BOX) | dict(dp_masks=[[]] * 14)
    result = figures(data_of(nobody), (FULL, BOX, 1.))
    assert set(result.to_dict().values()) == {-1.}
    assert '-' in parts_table(result)


def test_nothing_found():
    assert figures(data_of(person(FULL, BOX))).to_dict() == pytest.approx({
        'parts/AP': 0, 'parts/AP50': 0, 'parts/PCP50': 0, 'parts/mAcc': 1 / 5,
        'parts/mIoU': (4800 - 512) / 4800 / 5})


def test_box_at_the_edge_and_outside():
    box = (-6, -8, 16, 32)
    result = figures(data_of(person(FULL, box)), (FULL, box, 1.), (FULL, (200, 5, 16, 32), .5))
    assert result.to_dict()['parts/mIoU'] == result.to_dict()['parts/AP50'] == 1
    assert result.confusion[14].sum() == 0 and result.confusion[8, 8] == 10 * 8


def test_later_masks_cover_earlier_ones():
    whole = rle(np.ones((256, 256)))
    half = rle(np.arange(256)[:, None] * np.ones(256) < 128)
    annotation = person(FULL, BOX) | dict(dp_masks=[whole] + [[]] * 12 + [half])
    for truncates in (True, False):
        parts = visible_parts(read_person(annotation), IMAGE, truncates=truncates)
        assert (parts.top, parts.left) == (5, 10) and (parts.map == doll(14, 1)).all()


def test_needs_parts():
    truth = GroundTruth(data_of(person(FULL, BOX)))
    bare = measure(np.zeros((3, 32, 16), np.uint8), BOX, 1., truth, 1)
    with pytest.raises(ValueError, match='image 1: .*parts=True'):
        part_figures(truth, [bare])


def test_packed_parts_are_small():
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 25, (10, 6)), np.ones((30, 30))).astype(np.uint8)
    packed = pack_parts(labels)
    assert len(packed) < 1500
    assert (unpack_parts(packed, np.array([3., 4., 180.4, 300.9]))
            == SURFACE_TO_PART[labels]).all()


def test_average_precision_by_hand():
    # precision at the right ones: 1, 2/3, 3/5; 2 of 5 persons are never found
    right = np.array([True, False, True, False, True, False])
    assert average_precision(right, 5) == pytest.approx((1 + 2 / 3 + 3 / 5) / 5)
    # a late run of right ones lifts what comes before it
    assert average_precision(np.array([False, True, True, True]), 3) == pytest.approx(.75)
    assert average_precision(np.zeros(0, bool), 2) == 0


def random_parts_data(seed):
    """The random cases with persons of stripes, copied with gaps."""
    data, detections = random_data(seed)
    rng = np.random.default_rng(seed)
    for annotation in data['annotations']:
        if rng.random() < .7:
            w, h = size_of(annotation['bbox'])[::-1]
            parts = np.kron(rng.integers(0, 15, (4, 2)), np.ones((64, 128))).astype(int)
            annotation['dp_masks'] = [rle(parts == p) if (parts == p).any() else []
                                      for p in range(1, 15)]
            for d in detections:
                if d['image_id'] == annotation['image_id'] and rng.random() < .7:
                    box = d['box'] = list(annotation['bbox'])
                    rows, columns = ((np.arange(n) * 256 / n).astype(int) for n in size_of(box))
                    labels = FIRST_SURFACE[parts[np.ix_(rows, columns)]]
                    labels[:, :int(rng.integers(0, labels.shape[1] + 1) * rng.random())] = 0
                    d['picture'] = np.stack([labels] * 3)
    return data, detections


def fast_and_plain(seed, compat):
    data, detections = random_parts_data(seed)
    truth = GroundTruth(data, compat=compat)
    found = [measure(d['picture'], d['box'], d['score'], truth, d['image_id'], parts=True)
             for d in detections]
    return part_figures(truth, found), *plain_figures(data, truth, detections)


@pytest.mark.parametrize('compat', ['detectron2', None])
@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10 ** 9))
def test_equals_plain_version(compat, seed):
    fast, expected, confusion = fast_and_plain(seed, compat)
    got = fast.to_dict()
    assert {k: got[k] for k in expected} == pytest.approx(expected, abs=1e-12)
    assert (fast.confusion == confusion).all()


def test_random_cases_are_in_between():
    values = np.array([list(fast_and_plain(seed, None)[0].to_dict().values())
                       for seed in range(15)])
    assert (((values > .05) & (values < .95)).mean(0) > .3).all()
