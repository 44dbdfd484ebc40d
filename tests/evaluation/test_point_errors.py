import numpy as np
import pytest

from ktn_mm.evaluation.point_errors import (
    CLASSES,
    GROUPINGS,
    SURFACE_TO_CLASS,
    PointErrors,
    PointReadings,
    confusion_matrix,
    point_errors,
)
from ktn_mm.surface.charts import PARTS, SURFACES

# right upper leg back 7 (its twin 8), torso back 1 (its front 2), right head 23, left hand 4
SURFACE, FOUND = np.array([7, 7, 7, 1, 1, 23, 4]), np.array([7, 8, 0, 1, 2, 23, 7])
UV = np.array([[.5, .5], [.1, .1], [.9, .9], [.2, .4], [.3, .3], [0, 1.], [.5, .5]])
FOUND_UV = np.array([[.6, .3], [.9, .9], [0, 0], [.2, .4], [.8, .8], [.5, 1.], [0, 0]])
DISTANCE = np.array([.1, .6, np.inf, 0, .4, .3, 1.])
READINGS = PointReadings(SURFACE, UV, FOUND, FOUND_UV, DISTANCE)
NONE = np.nan


def row(grouping, name, readings=READINGS):
    table = point_errors(readings, grouping)
    at = table.names.index(name)
    return {key: getattr(table, key)[at] for key in PointErrors._fields[1:]}


def test_classes_are_those_of_the_paper():
    assert sorted(CLASSES) == ['head', 'left arm', 'left foot', 'left hand', 'left leg',
                               'right arm', 'right foot', 'right hand', 'right leg', 'torso']
    for s in SURFACES:
        name = CLASSES[SURFACE_TO_CLASS[s.index] - 1]
        assert name == (s.noun if s.noun in ('head', 'torso') else f'{s.side} {s.noun}')


def test_known_rows():
    leg = dict(points=3, foreground_recall=2 / 3, surface_accuracy=1 / 3, part_type_accuracy=1,
               left_right_accuracy=.5, front_back_accuracy=1, u_mse=.01, v_mse=.04,
               geodesic_error=.1, geodesic_error_found=.35,
               point_score=(np.exp(-.1 ** 2 / (2 * .237 ** 2))
                            + np.exp(-.6 ** 2 / (2 * .237 ** 2))) / 3)
    for grouping, name in (('surfaces', 'right upper leg back'), ('parts', 'right upper leg'),
                           ('classes', 'right leg')):
        assert row(grouping, name) == pytest.approx(leg)
    assert row('classes', 'torso') == pytest.approx(dict(
        points=2, foreground_recall=1, surface_accuracy=.5, part_type_accuracy=1,
        left_right_accuracy=NONE, front_back_accuracy=.5, u_mse=0, v_mse=0, geodesic_error=0,
        geodesic_error_found=.2,
        point_score=(1 + np.exp(-.4 ** 2 / (2 * .351 ** 2))) / 2), nan_ok=True)
    hand = row('classes', 'left hand')
    assert hand['surface_accuracy'] == hand['part_type_accuracy'] == 0
    assert np.isnan([hand[k] for k in ('left_right_accuracy', 'u_mse', 'v_mse',
                                       'geodesic_error')]).all()
    assert hand['geodesic_error_found'] == 1
    everything = row('overall', 'all')
    assert everything['points'] == 7 and everything['surface_accuracy'] == pytest.approx(3 / 7)
    assert everything['u_mse'] == pytest.approx((.01 + 0 + .25) / 3)
    assert everything['geodesic_error_found'] == pytest.approx(2.4 / 6)


def test_rows_without_points_are_nan_without_a_warning(recwarn):
    absent = row('surfaces', 'left foot')
    assert absent.pop('points') == 0 and np.isnan(list(absent.values())).all()
    empty = PointReadings(*(a[:0] for a in READINGS))
    for grouping, (names, _) in GROUPINGS.items():
        table = point_errors(empty, grouping)
        assert table.names == names and not table.points.any()
    assert not confusion_matrix(empty).any()
    assert not recwarn.list


def test_groupings_share_out_every_point():
    rng = np.random.default_rng(0)
    surfaces, found = rng.integers(1, 25, 3000), rng.integers(0, 25, 3000)
    found[::2] = surfaces[::2]
    readings = PointReadings(surfaces, rng.random((3000, 2)), found, rng.random((3000, 2)),
                             np.where(found, rng.random(3000), np.inf))
    tables = {g: point_errors(readings, g) for g in GROUPINGS}
    assert [len(t.names) for t in tables.values()] == [1, 10, 14, 24]
    for table in tables.values():
        assert table.points.sum() == 3000
        hits = (table.surface_accuracy * table.points).sum()
        assert hits == pytest.approx((found == surfaces).sum())
        right = table.surface_accuracy * table.points
        assert (table.v_mse * right).sum() == pytest.approx(
            ((readings.predicted_uv - readings.uv)[found == surfaces, 1] ** 2).sum())
    assert tables['parts'].names == tuple(p.name for p in PARTS)


def test_confusion_matrix_equals_plain_count():
    expected = np.zeros((24, 25), int)
    for annotated, predicted in zip(SURFACE, FOUND, strict=True):
        expected[annotated - 1, predicted] += 1
    assert (confusion_matrix(READINGS) == expected).all()
    assert expected[6].tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 1] + [0] * 16
