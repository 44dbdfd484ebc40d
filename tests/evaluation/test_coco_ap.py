import contextlib
import io

import numpy as np
import pytest
from evaluation_cases import rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ktn_mm.evaluation.coco_ap import (
    ImageTable,
    match,
    precision_recall,
    score_thresholds,
    summarise,
)
from ktn_mm.evaluation.rules import CLEAN, DETECTRON2

THRESHOLDS = score_thresholds()


def table(similarity, *, box_iou=None, found_area=None, area=None, ignored=None, crowd=None,
          counts=None, excuses=None):
    """Build one kind's table; what is not given is ordinary."""
    similarity = np.asarray(similarity, float)
    d, g = similarity.shape

    def fill(value, size, default, dtype=float):
        return np.full(size, default, dtype) if value is None else np.asarray(value, dtype)
    return ImageTable(
        scores=np.arange(d, 0, -1.), similarity=similarity[None],
        box_iou=fill(box_iou, (d, g), 0.), found_area=fill(found_area, d, 2000.),
        area=fill(area, g, 2000.), ignored=fill(ignored, g, False, bool),
        excuses=fill(ignored if excuses is None else excuses, g, False, bool),
        crowd=fill(crowd, g, False, bool), counts=fill(counts, g, True, bool))


def fate(image, threshold=0, area=0, rules=DETECTRON2):
    """Return TP, FP or -- (ignored) for each detection."""
    verdict, = match([image], THRESHOLDS, rules)
    matched, ignored = verdict.matched[0, area, threshold], verdict.ignored[0, area, threshold]
    return np.where(ignored, '--', np.where(matched, 'TP', 'FP')).tolist()


def test_thresholds():
    np.testing.assert_allclose(THRESHOLDS, [.5, .55, .6, .65, .7, .75, .8, .85, .9, .95])
    assert len(score_thresholds(.2)) == 16
    for wrong in (.6, .51, 0., -1):
        with pytest.raises(ValueError, match='threshold'):
            score_thresholds(wrong)


def test_each_person_is_found_once_and_the_most_similar_first():
    assert fate(table([[.6, .9], [.55, .95], [.7, .99]])) == ['TP', 'TP', 'FP']
    assert fate(table([[.6, .6], [.7, .1]])) == ['TP', 'TP'], 'of equals the last is taken'
    assert fate(table([[.1, .6], [.1, .6]])) == ['TP', 'FP']
    assert fate(table([[.5]])) == ['TP'] and fate(table([[.4999]])) == ['FP']


def test_crowd_is_found_many_times():
    assert fate(table([[.6], [.7]], crowd=[True])) == ['TP', 'TP']


def test_ignored_person_only_where_no_other_is_left():
    assert fate(table([[.6, .9]], ignored=[False, True])) == ['TP']
    assert fate(table([[.6, .9], [.6, .9], [.6, .9]], ignored=[False, True])) == [
        'TP', '--', 'FP']


def test_all_persons_ignored_frees_every_detection():
    assert fate(table([[0.], [0.]], ignored=[True])) == ['--', '--']
    assert fate(table(np.zeros((2, 0)))) == ['--', '--']
    assert fate(table([[0., 0.], [0., 0.]], ignored=[True, False])) == ['FP', 'FP']


def test_areas_include_both_ends():
    image = table([[.9]], area=[96. ** 2], found_area=[5.])
    assert [fate(image, area=a) for a in range(3)] == [['TP']] * 3
    image = table([[.9]], area=[96. ** 2 + .1], found_area=[5.])
    assert [fate(image, area=a) for a in range(3)] == [['TP'], ['--'], ['TP']]
    unmatched = table([[.1]], found_area=[32. ** 2 - .1])
    assert [fate(unmatched, area=a)[0] for a in range(3)] == ['FP', '--', '--']


def test_box_rescue_ignores_a_detection_of_an_ignored_person():
    image = table([[0., 0.], [0., 0.]], box_iou=[[.8, .1], [.85, .1]], ignored=[True, False])
    assert fate(image) == ['--', 'FP'], 'an ignored person is used up at the last threshold'
    assert fate(image, threshold=-1) == ['--', 'FP']
    image = table([[0., 0.]], box_iou=[[.79, .1]], ignored=[True, False])
    assert fate(image) == ['FP']


def test_box_rescue_overrules_all_thresholds():
    """A match at 0.5 is lost if the nearest box is an ignored person's (Q4)."""
    image = table([[0., .7]], box_iou=[[.9, .85]], ignored=[True, False])
    assert fate(image) == ['--'] and fate(image, threshold=-1) == ['--']
    image = table([[0., .97]], box_iou=[[.9, .85]], ignored=[True, False])
    assert fate(image) == ['TP'], 'not where it was matched at 0.95'


def test_box_rescue_turns_an_ignored_match_into_a_hit():
    """A match with a person ignored for its area counts if the nearest box is wanted (Q4)."""
    image = table([[.7, .1]], box_iou=[[.1, .9]], area=[500., 2000.])
    assert fate(image, area=1) == ['TP'] and fate(image, threshold=-1, area=1) == ['FP']
    image = table([[.7, .1]], box_iou=[[.1, .1]], area=[500., 2000.])
    assert fate(image, area=1) == ['--']


def test_box_rescue_takes_the_last_of_equals_ignored_ones_last():
    image = table([[0., 0.]], box_iou=[[.9, .9]], ignored=[True, False])
    assert fate(image) == ['--']


def test_ap_may_rise_with_the_threshold():
    """Q18: at 0.5 a detection that the rescue ignores has used the person up."""
    image = table([[.6, 0.], [.97, 0.]], box_iou=[[.1, .9], [.1, .1]], ignored=[False, True])
    assert fate(image) == ['--', 'FP']
    assert fate(image, threshold=5) == ['--', 'TP']
    curves = precision_recall([image.scores], match([image], THRESHOLDS, DETECTRON2))
    figures = summarise(*(c[0] for c in curves), THRESHOLDS)
    assert figures['AP50'] == 0 and figures['AP75'] == pytest.approx(1)


def test_uncounted_match_is_an_error_but_uses_the_person_up():
    assert fate(table([[.9]], counts=[False])) == ['FP']
    assert fate(table([[.9], [.9]], counts=[False])) == ['FP', 'FP']


def test_summary_of_known_curves():
    verdicts = match([table([[.9, 0], [0, .6], [0, 0]])], THRESHOLDS, DETECTRON2)
    precision, recall = precision_recall([np.array([3., 2., 1.])], verdicts)
    figures = summarise(precision[0], recall[0], THRESHOLDS)
    # at .5 .55 .6 both are found; up to .9 the first one; then none
    assert figures['AP50'] == pytest.approx(1) and figures['AP75'] == pytest.approx(51 / 101)
    assert figures['AP'] == pytest.approx((3 + 6 * 51 / 101) / 10)
    assert figures['AR'] == pytest.approx((3 + 6 * .5) / 10)
    assert (figures['AR50'], figures['AR75']) == (1, .5)
    assert figures['APL'] == figures['ARL'] == -1
    assert figures['APM'] == pytest.approx(figures['AP'])
    assert list(figures) == ['AP', 'AP50', 'AP75', 'APM', 'APL', 'AR', 'AR50', 'AR75', 'ARM',
                             'ARL']


def test_lower_thresholds_add_figures():
    thresholds = score_thresholds(.2)
    verdicts = match([table([[.25]])], thresholds, DETECTRON2)
    figures = summarise(*(c[0] for c in precision_recall([np.ones(1)], verdicts)), thresholds)
    assert (figures['AP20'], figures['AP30'], figures['AP40']) == pytest.approx((1, 0, 0))
    assert figures['AP'] == pytest.approx(2 / 16)


def random_masks(rng, count):
    """Return masks of rectangles in a 60 x 60 image, no two of nearly the same box."""
    masks = np.zeros((count, 60, 60), np.uint8)
    for mask in masks:
        y, x = rng.integers(0, 30, 2)
        mask[y:y + rng.integers(8, 30), x:x + rng.integers(8, 30)] = 1
    return masks


def test_clean_rules_know_no_rescue_but_an_excuse():
    """An unmatched detection on a person without dense annotation is neither right nor wrong."""
    image = table([[0., .7]], box_iou=[[.9, .85]], ignored=[True, False])
    assert fate(image, rules=CLEAN) == ['TP']
    assert fate(image, threshold=-1, rules=CLEAN) == ['--']
    image = table([[0.], [0.], [0.]], box_iou=[[.5], [.9], [.49]], ignored=[True])
    assert fate(image, rules=CLEAN) == ['--', '--', 'FP']
    assert fate(image, rules=DETECTRON2) == ['--', '--', '--']
    image = table([[0.]], box_iou=[[.9]], ignored=[True], excuses=[False])
    assert fate(image, rules=CLEAN) == ['FP'], 'ignored for being a crowd: compared by points'


def test_clean_rules_count_errors_in_empty_images():
    assert fate(table(np.zeros((2, 0))), rules=CLEAN) == ['FP', 'FP']
    assert fate(table([[.9]], area=[500.]), area=1, rules=CLEAN) == ['--']


@pytest.mark.parametrize('rules', [DETECTRON2, CLEAN])
def test_images_do_not_touch_each_other(rules):
    """Images of all sizes, matched at once and alone."""
    rng = np.random.default_rng(0)
    tables = []
    for _ in range(300):
        d, g = rng.integers(0, 6, 2)
        tables.append(table(
            rng.choice([0, .4, .6, .8, .96], (d, g)), box_iou=rng.choice([.1, .5, .85], (d, g)),
            found_area=rng.choice([500., 2000, 20000], d), area=rng.choice([500., 2000, 2e4], g),
            ignored=rng.random(g) < .3, crowd=rng.random(g) < .1, counts=rng.random(g) < .9))
    together = match(tables, THRESHOLDS, rules)
    for image, verdict in zip(tables, together, strict=True):
        alone, = match([image], THRESHOLDS, rules)
        for one, other in zip(alone, verdict, strict=True):
            np.testing.assert_array_equal(one, other)
    assert len(together) == 300 and sum(v.matched.sum() for v in together) > 1000


@pytest.mark.parametrize('seed', range(4))
def test_equals_pycocotools_where_both_protocols_agree(seed):
    """On images that all hold wanted persons, without rescue, the protocol is COCO's."""
    rng = np.random.default_rng(seed)
    images, annotations, results, scores, tables = [], [], [], [], []
    for image in range(1, 13):
        images.append(dict(id=image, height=60, width=60))
        truth = random_masks(rng, rng.integers(1, 5))
        found = truth[rng.integers(0, len(truth), 6)].copy()
        found[:, rng.integers(0, 60, 12)] = 0
        found[0] = random_masks(rng, 1)[0]
        score = np.sort(rng.integers(0, 9, 6) / 10)[::-1]
        for mask in truth:
            annotations.append(dict(id=len(annotations) + 1, image_id=image, category_id=1,
                                    iscrowd=0, area=int(mask.sum()), bbox=[0, 0, 1, 1],
                                    segmentation=rle(mask)))
        results += [dict(image_id=image, category_id=1, score=float(s), segmentation=rle(m))
                    for s, m in zip(score, found, strict=True)]
        both = (found[:, None] & truth[None]).sum((2, 3))
        either = (found[:, None] | truth[None]).sum((2, 3))
        scores.append(score)
        tables.append(table(both / either))
    precision, recall = precision_recall(scores, match(tables, THRESHOLDS, DETECTRON2))
    figures = summarise(precision[0], recall[0], THRESHOLDS)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(images=images, annotations=annotations, categories=[dict(id=1)])
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(results), 'segm')
        judge.params.maxDets = [1, 10, 20]
        judge.evaluate()
        judge.accumulate()
    expected = judge.eval['precision'][:, :, 0, 0, 2]
    assert .05 < expected.mean() < .9
    np.testing.assert_allclose(precision[0, 0], expected, atol=1e-12)
    assert figures['AP'] == pytest.approx(expected.mean())
    assert figures['AR'] == pytest.approx(judge.eval['recall'][:, 0, 0, 2].mean())
