from dataclasses import replace

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
from evaluation_oracle import evaluate as plain_evaluate
from hypothesis import given, settings
from hypothesis import strategies as st

from ktn_mm.evaluation import GroundTruth, evaluate, measure, protocol
from ktn_mm.evaluation.coco_ap import score_thresholds


def measured(ground_truth, detections):
    """Turn the plain dicts of the cases into detections."""
    return [measure(d['picture'], d['box'], d['score'], ground_truth, d['image_id'])
            for d in detections]


def assert_equals_plain_loops(data, detections, body, *, compat, lowest=.5):
    truth = GroundTruth(data, compat=compat)
    figures = evaluate(truth, measured(truth, detections), body, min_threshold=lowest)
    expected = plain_evaluate(data, detections, body, score_thresholds(lowest), compat is None)
    assert len(expected) == (30 if lowest == .5 else 39)
    if not detections:
        expected = dict.fromkeys(expected, -1.)
    assert {k: figures[k] for k in expected} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize('compat', ['detectron2', None])
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10 ** 9), lowest=st.sampled_from([.5, .5, .2]),
       portion=st.sampled_from([7, protocol.PORTION]))
def test_equals_plain_loops(compat, seed, lowest, portion):
    data, detections = random_data(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, 'PORTION', portion)
        assert_equals_plain_loops(data, detections, TinyBody(seed % 7), compat=compat,
                                  lowest=lowest)


@pytest.mark.parametrize('compat', ['detectron2', None])
def test_a_person_of_2600_points(compat):
    data = block_data(count=2, points=2600)
    detections = block_detections(data)
    detections[1]['picture'][1] //= 3
    assert_equals_plain_loops(data, detections, TinyBody(), compat=compat)


@pytest.mark.parametrize('compat', ['detectron2', None])
def test_random_cases_reach_the_rules(compat):
    """The comparison above means little if the cases were all zeros."""
    values = []
    for seed in range(30):
        data, detections = random_data(seed)
        truth = GroundTruth(data, compat=compat)
        figures = evaluate(truth, measured(truth, detections), TinyBody(seed % 7))
        values.append([figures[k] for k in ('GPS/AP', 'GPSm/AP', 'segm/AP', 'GPS/APL')])
    middle = (np.array(values) > .02) & (np.array(values) < .98)
    assert (middle.mean(0) > .2).all()


def block_detections(data, change=lambda picture: picture):
    """Predict every block person as it was annotated, but for a change of the picture."""
    return [dict(image_id=a['image_id'], box=a['bbox'], score=1.,
                 picture=change(block_picture(size_of(a['bbox']))))
            for a in data['annotations']]


def block_figures(change, data=None):
    data = data or block_data()
    truth = GroundTruth(data)
    return evaluate(truth, measured(truth, block_detections(data, change)), FlatBody())


def test_ground_truth_as_prediction():
    figures = block_figures(lambda picture: picture)
    assert figures['GPS/AP50'] == figures['GPS/AP75'] == pytest.approx(1)
    assert figures['GPSm/AP50'] == figures['GPSm/AP75'] == pytest.approx(1)
    assert figures['segm/AP'] == pytest.approx(1)
    assert figures['mean_GPS'] > .97
    assert figures['foreground_recall'] > .99
    assert figures['left_right_accuracy'] > .98


def test_exact_annotation_has_gps_over_99_percent():
    """With the points' own values at their own pixels only uint8 and collisions are lost."""
    data = block_data(points=20)
    detections = block_detections(data)
    for annotation, detection in zip(data['annotations'], detections, strict=True):
        x, y, w, h = annotation['bbox']
        for n in range(20):
            column = int(annotation['dp_x'][n] * w / 255 + x - x)
            row = int(annotation['dp_y'][n] * h / 255 + y - y)
            detection['picture'][:, row, column] = (
                annotation['dp_I'][n], annotation['dp_U'][n] * 255, annotation['dp_V'][n] * 255)
    truth = GroundTruth(data)
    figures = evaluate(truth, measured(truth, detections), FlatBody())
    assert figures['mean_GPS'] > .99
    assert figures['GPS/AP'] == pytest.approx(1)


def test_wrong_predictions_score_less():
    def random_uv(picture):
        noise = np.random.default_rng(0).integers(0, 256, picture.shape)
        return np.concatenate([picture[:1], noise[1:]]).astype(np.uint8)

    right = block_figures(lambda picture: picture)
    random = block_figures(random_uv)
    swapped = block_figures(swap_sides)
    assert random['mean_GPS'] < right['mean_GPS'] - .2
    assert random['GPS/AP'] < right['GPS/AP'] - .2
    assert random['surface_accuracy'] == right['surface_accuracy']
    assert swapped['mean_GPS'] < .2
    assert swapped['GPS/AP'] == 0
    assert swapped['left_right_accuracy'] < .02 < .95 < swapped['part_type_accuracy']
    assert swapped['segm/AP'] == right['segm/AP']


def test_more_noise_scores_less():
    def noisy(sigma):
        def change(picture):
            rng = np.random.default_rng(1)
            uv = picture[1:] + 255 * sigma * rng.normal(size=picture[1:].shape)
            return np.concatenate([picture[:1], np.clip(uv, 0, 255)]).astype(np.uint8)
        return block_figures(change)

    figures = [noisy(sigma) for sigma in (0, .1, .2, .4)]
    for name in ('mean_GPS', 'GPS/AP', 'GPSm/AP'):
        values = [f[name] for f in figures]
        assert values == sorted(values, reverse=True) and values[0] > values[-1] + .1


def test_missing_detections_lower_recall_only():
    data = block_data()
    truth = GroundTruth(data)
    half = measured(truth, block_detections(data))[::2]
    figures = evaluate(truth, half, FlatBody())
    assert figures['GPS/AR50'] == pytest.approx(.5)
    assert figures['GPS/AP50'] == pytest.approx(51 / 101)
    assert figures['foreground_recall'] == pytest.approx(.5, abs=.01)


def test_nothing_detected_is_minus_one():
    figures = evaluate(GroundTruth(block_data()), [], FlatBody())
    assert set(figures.values()) == {-1.}
    assert {'GPS/AP', 'GPSm/ARL', 'segm/AP75', 'mean_GPS'} <= set(figures)


def test_kinds_are_what_was_asked_for():
    data = block_data(count=2)
    truth = GroundTruth(data)
    figures = evaluate(truth, measured(truth, block_detections(data)), FlatBody(),
                       kinds=('segm', 'GPS'))
    assert figures['segm/AP'] == pytest.approx(1) and 'GPS/AP' in figures
    assert not any(name.startswith('GPSm') for name in figures)
    for kinds in ((), ('gps',), 'GPS'):
        with pytest.raises(ValueError, match='kinds'):
            evaluate(truth, [], FlatBody(), kinds=kinds)


def test_unknown_image_is_named():
    data = block_data(count=2)
    truth = GroundTruth(data)
    detection = replace(measured(truth, block_detections(data))[0], image_id=4711)
    with pytest.raises(ValueError, match='4711'):
        evaluate(truth, [detection], FlatBody())


def test_only_the_best_twenty_count():
    data = block_data(count=1)
    truth = GroundTruth(data)
    right = measured(truth, block_detections(data))[0]
    empty = measure(np.zeros((3, 5, 5), np.uint8), [0, 0, 5, 5], 2., truth, right.image_id)
    assert evaluate(truth, [empty] * 19 + [right], FlatBody())['GPS/AR50'] == 1
    assert evaluate(truth, [empty] * 20 + [right], FlatBody())['GPS/AR50'] == 0


def test_compat_reads_points_at_255():
    """A single point in the last column: /255 puts it outside its own box (Q2)."""
    data = block_data(count=1)
    data['annotations'][0].update(bbox=[10., 10., 200., 200.], dp_x=[255.3], dp_y=[9.],
                                  dp_I=[4.], dp_U=[.9], dp_V=[.2])
    recalls = []
    for compat in ('detectron2', None):
        truth = GroundTruth(data, compat=compat)
        detections = measured(truth, block_detections(data))
        recalls.append(evaluate(truth, detections, FlatBody())['foreground_recall'])
    assert recalls == [0, 1]


@pytest.mark.parametrize('compat, expected', [('detectron2', 0.), (None, 1.)])
def test_annotation_id_zero(compat, expected):
    """The reference takes a match with annotation 0 for none (Q8)."""
    data = block_data(count=1)
    data['annotations'][0]['id'] = 0
    truth = GroundTruth(data, compat=compat)
    figures = evaluate(truth, measured(truth, block_detections(data)), FlatBody())
    assert figures['GPS/AP50'] == pytest.approx(expected)


def test_ignore_regions_take_persons_and_detections_out():
    data = block_data(count=4)
    truth = GroundTruth(data)
    detections = block_detections(data)
    x, y, w, h = data['annotations'][1]['bbox']
    data['images'][0].update(ignore_regions_x=[[x, x + w, x + w, x]],
                             ignore_regions_y=[[y, y, y + h, y + h]])
    wrong = [d | dict(picture=np.where(d['picture'] > 0, 3, 0).astype(np.uint8))
             if n == 1 else d for n, d in enumerate(detections)]
    without = evaluate(truth, measured(truth, wrong), FlatBody())
    truth = GroundTruth(data)
    assert [len(p) for p in truth.persons.values()] == [1, 2]
    figures = evaluate(truth, measured(truth, wrong), FlatBody())
    assert without['GPS/AP50'] < .9
    assert figures['GPS/AP50'] == pytest.approx(1)
