import json
import sys

import numpy as np
import pytest
from PIL import Image

from ktn_mm.evaluation.bottleneck import LADDER, Bottleneck
from ktn_mm.evaluation.diagnosis import Diagnosis
from ktn_mm.evaluation.point_errors import (
    GROUPINGS,
    PointReadings,
    confusion_matrix,
    point_errors,
)
from ktn_mm.surface.charts import SURFACE_TWIN, SURFACES
from ktn_mm.visualization.diagnosis_plot import draw_diagnosis, write_diagnosis


def made_up(points):
    """A diagnosis of points every third of which is missed and every third on its twin."""
    rng = np.random.default_rng(0)
    surfaces = rng.integers(1, 25, points)
    found = np.choose(np.arange(points) % 3, [surfaces, SURFACE_TWIN[surfaces], 0 * surfaces])
    readings = PointReadings(surfaces, rng.random((points, 2)), found, rng.random((points, 2)),
                             np.where(found, rng.random(points), np.inf))
    figures = np.linspace(0, 1, 3 * len(LADDER)).reshape(-1, 3)
    return Diagnosis(
        persons=3, missed_persons=1, detections=4,
        errors={name: point_errors(readings, name) for name in GROUPINGS},
        confusion=confusion_matrix(readings),
        bottleneck=Bottleneck(tuple(n for n, _ in LADDER), figures, figures ** .5))


def test_every_bar_has_its_name_and_length():
    diagnosis = made_up(2000)
    recall, confusion, _, errors, _, ladder = draw_diagnosis(diagnosis).axes
    names = [t.get_text() for t in recall.get_yticklabels()]
    assert sorted(names) == sorted(s.name for s in SURFACES)
    table = diagnosis.errors['surfaces']
    for name, bar in zip(names, recall.patches):
        assert bar.get_width() == pytest.approx(
            100 * table.surface_accuracy[table.names.index(name)])
    assert [t.get_text() for t in confusion.get_xticklabels()] == ['not found', *names]
    assert [t.get_text() for t in confusion.get_yticklabels()] == names
    shares = confusion.images[0].get_array()
    at = names.index('left foot')
    expected = diagnosis.confusion[4] / diagnosis.confusion[4].sum()
    assert shares[at, 0] == pytest.approx(100 * expected[0])
    assert shares[at, 1 + names.index('right foot')] == pytest.approx(100 * expected[6])
    classes = [t.get_text() for t in errors.get_xticklabels()]
    heights = [bar.get_height() for bar in errors.patches]
    order = [diagnosis.errors['classes'].names.index(c) for c in classes]
    assert heights == pytest.approx([*diagnosis.errors['classes'].u_mse[order],
                                     *diagnosis.errors['classes'].v_mse[order]])
    assert [t.get_text() for t in ladder.get_yticklabels()] == list(diagnosis.bottleneck.rows)


def overlapping(figure):
    """Pairs of labels of one axis that touch each other, and texts beyond the edge."""
    figure.canvas.draw()
    faults = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            boxes = [(t.get_text(), t.get_window_extent()) for t in axis.get_ticklabels()
                     if axis.get_visible() and t.get_text() and not t.get_rotation() % 90]
            faults += [(a, b) for (a, box), (b, other) in zip(boxes, boxes[1:])
                       if box.overlaps(other)]
        faults += [t.get_text() for t in (*axes.texts, axes.title, *axes.get_xticklabels(),
                                          *axes.get_yticklabels())
                   if t.get_text() and not figure.bbox.fully_containsx(t.get_window_extent().x0)]
    return faults


@pytest.mark.parametrize('points', [2000, 12, 0])
def test_labels_do_not_collide(points, recwarn):
    assert not overlapping(draw_diagnosis(made_up(points)))
    assert not recwarn.list


def test_three_files(tmp_path):
    diagnosis = made_up(300)
    write_diagnosis(diagnosis, tmp_path / 'a' / 'b')
    folder = tmp_path / 'a' / 'b'
    assert json.loads((folder / 'diagnosis.json').read_text()) == json.loads(
        json.dumps(diagnosis.to_dict()))
    assert 'left upper leg back' in (folder / 'diagnosis.txt').read_text()
    picture = np.asarray(Image.open(folder / 'diagnosis.png').convert('RGB'))
    assert min(picture.shape[:2]) >= 1000 and len(np.unique(picture)) > 50


def test_numbers_are_written_without_matplotlib(tmp_path, monkeypatch):
    for name in ('matplotlib', 'matplotlib.figure', 'matplotlib.backends.backend_agg'):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError):
        write_diagnosis(made_up(30), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['diagnosis.json', 'diagnosis.txt']
