import json

import numpy as np
import pytest
from evaluation_cases import FlatBody, TinyBody, block_data, block_picture, random_data, size_of

from ktn_mm.evaluation import GroundTruth, evaluate, measure
from ktn_mm.evaluation.diagnosis import diagnose
from ktn_mm.evaluation.diagnosis_table import COLUMNS, diagnosis_table


def measured(truth, detections):
    return [measure(d['picture'], d['box'], d['score'], truth, d['image_id'], filled=True)
            for d in detections]


def block_detections(data, change=lambda picture: picture):
    return [dict(image_id=a['image_id'], box=a['bbox'], score=1.,
                 picture=change(block_picture(size_of(a['bbox']))))
            for a in data['annotations']]


def block_diagnosis(change=lambda picture: picture, leave_out=0):
    data = block_data()
    truth = GroundTruth(data)
    return diagnose(truth, measured(truth, block_detections(data, change)[leave_out:]),
                    FlatBody())


@pytest.mark.parametrize('compat', ['detectron2', None])
@pytest.mark.parametrize('seed', range(8))
def test_agrees_with_the_evaluation(seed, compat):
    data, detections = random_data(seed)
    truth, body = GroundTruth(data, compat=compat), TinyBody(seed)
    found = measured(truth, detections)
    overall = diagnose(truth, found, body).errors['overall']
    figures = evaluate(truth, found, body)
    for name in ('foreground_recall', 'surface_accuracy', 'part_type_accuracy',
                 'left_right_accuracy', 'front_back_accuracy'):
        if found:
            assert np.nan_to_num(getattr(overall, name)[0], nan=-1) == figures[name]


def test_known_errors_of_u_and_v():
    exact = block_diagnosis()
    shifted = block_diagnosis(
        lambda p: np.stack([p[0], np.minimum(p[1], 204) + 51, p[2]]).astype(np.uint8))
    assert exact.errors['overall'].u_mse[0] < 2e-3
    assert shifted.errors['overall'].v_mse[0] == exact.errors['overall'].v_mse[0]
    # a shift by 0.2 of all that is below 0.8, of 0.3 m: squared 0.04, less at the rim
    assert .03 < shifted.errors['overall'].u_mse[0] < .042
    rise = shifted.errors['overall'].geodesic_error - exact.errors['overall'].geodesic_error
    assert .04 < rise[0] < .06
    assert (shifted.errors['classes'].u_mse > exact.errors['classes'].u_mse + .02).all()


def test_missed_persons_are_counted_and_count():
    whole, less = block_diagnosis(), block_diagnosis(leave_out=3)
    assert whole.missed_persons == 0 and less.missed_persons == 3
    assert whole.persons == less.persons == 12 and less.detections == 9
    recall = [d.errors['overall'].foreground_recall[0] for d in (whole, less)]
    assert recall[1] == pytest.approx(.75, abs=.01) and recall[0] > .99
    assert less.confusion[:, 0].sum() > 170


def test_no_detection_at_all():
    diagnosis = block_diagnosis(leave_out=12)
    assert diagnosis.errors['overall'].foreground_recall[0] == 0
    assert np.isnan(diagnosis.errors['overall'].u_mse[0])
    assert not diagnosis.bottleneck.gps.any()
    json.dumps(diagnosis.to_dict(), allow_nan=False)


def test_dict_is_json_with_none_for_nothing():
    diagnosis = block_diagnosis(leave_out=2)
    content = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    assert [len(content[k]) for k in ('overall', 'classes', 'parts', 'surfaces')] == [
        1, 10, 14, 24]
    torso = next(r for r in content['classes'] if r['name'] == 'torso')
    assert torso['left_right_accuracy'] is None and 0 < torso['surface_accuracy'] <= 1
    assert np.array(content['confusion']).shape == (24, 25)
    assert [r['replaced'] for r in content['bottleneck']][:2] == ['nothing', 'mask']
    assert content['bottleneck'][-1]['GPS/AP'] == diagnosis.bottleneck.gps[-1, 0]


def test_table_is_aligned_and_shows_every_row():
    diagnosis = block_diagnosis(leave_out=2)
    text = diagnosis_table(diagnosis)
    blocks = text.split('\n\n')
    assert [len(b.split('\n')) for b in blocks[2:]] == [2, 11, 15, 25, 8]
    for block in blocks[2:]:
        assert len({len(line) for line in block.split('\n')}) == 1
    torso = next(line for line in blocks[3].split('\n') if line.startswith('torso'))
    assert torso.split()[5] == '-', 'a torso has no side'
    assert len(torso.split()) == 1 + len(COLUMNS)
    assert 'nan' not in text
    recall = 100 * diagnosis.errors['classes'].surface_accuracy[0]
    assert torso.split()[3] == f'{recall:.1f}'
