import numpy as np
import pytest

from ktn_mm.evaluation.point_figures import nearest_detections, point_figures
from ktn_mm.evaluation.table import figures_table
from ktn_mm.surface.charts import SURFACE_TWIN

# right upper leg back 7, its twin 8, its front 9, left front 10; torso back 1, front 2; head 23
CASES = [
    ([7, 1, 23, 0], dict(foreground_recall=.75, surface_accuracy=.75, part_type_accuracy=1,
                         left_right_accuracy=1, front_back_accuracy=1)),
    ([8, 2, 24, 5], dict(foreground_recall=1, surface_accuracy=.25, part_type_accuracy=1,
                         left_right_accuracy=1 / 3, front_back_accuracy=.5)),
    ([10, 7, 1, 0], dict(foreground_recall=.75, surface_accuracy=0, part_type_accuracy=1 / 3,
                         left_right_accuracy=0, front_back_accuracy=0)),
    ([0, 0, 0, 0], dict(foreground_recall=0, surface_accuracy=0, part_type_accuracy=-1,
                        left_right_accuracy=-1, front_back_accuracy=-1))]


@pytest.mark.parametrize('predicted, expected', CASES)
def test_known_cases(predicted, expected):
    annotated = np.array([7, 1, 23, 5])
    assert point_figures(np.array(predicted), annotated) == pytest.approx(expected)


def test_chance_and_swap():
    rng = np.random.default_rng(0)
    annotated = rng.integers(1, 25, 20000)
    swapped = point_figures(SURFACE_TWIN[annotated], annotated)
    assert swapped['part_type_accuracy'] == swapped['front_back_accuracy'] == 1
    assert swapped['left_right_accuracy'] == 0
    guess = point_figures(rng.integers(1, 25, 20000), annotated)
    assert guess['left_right_accuracy'] == pytest.approx(.5, abs=.05)
    assert guess['front_back_accuracy'] == pytest.approx(.5, abs=.05)
    assert guess['surface_accuracy'] == pytest.approx(1 / 24, abs=.01)


def test_no_points_no_share():
    assert set(point_figures(np.zeros(0, int), np.zeros(0, int)).values()) == {-1.}


def test_nearest_detections():
    overlap = np.array([[.1, 0, .5], [.3, 0, .5]])
    assert nearest_detections(overlap).tolist() == [1, -1, 0]
    assert nearest_detections(np.zeros((0, 2))).tolist() == [-1, -1]


def test_table_shows_every_figure():
    figures = {'GPS/AP': .5, 'GPS/AR': .25, 'segm/AP': 1., 'segm/AR': -1., 'mean_GPS': .123}
    lines = figures_table(figures, ('GPS', 'segm')).split('\n')
    assert [line.split() for line in lines] == [
        ['AP', 'AR'], ['GPS', '50.0', '25.0'], ['segm', '100.0', '-'], ['mean_GPS', '12.3']]
