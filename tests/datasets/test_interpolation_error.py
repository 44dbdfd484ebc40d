"""Interpolated correspondences against the full maps of synthetic people."""
import runpy
from pathlib import Path

import numpy as np
import pytest

from ktn_mm.surface import SurfaceTemplate
from ktn_mm.synth.dataset import make_dataset

TOOL = runpy.run_path(str(Path(__file__).parents[2] / 'tools' / 'measure_interpolation.py'))


def test_errors_of_points_by_hand():
    template = SurfaceTemplate.load()
    iuv = np.zeros((6, 8, 3), np.uint8)
    iuv[1:5, 1:4] = 2, 51, 102  # surface 2, U .2, V .4
    iuv[1:5, 2, 1] = 153  # U .6 in the second column
    own = iuv[..., 0] > 0
    points = np.array([[1.5, 2.], [1.25, 1.], [2., 4.4], [3.4, 2.], [6., 2.]])
    uv = np.array([[.5, .4], [.3, .45], [.6, .4], [.2, .4], [.2, .4]])
    errors = TOOL['point_errors'](points, np.array([2, 2, 1, 2, 2]), uv, iuv, own, template)
    # the third has another surface, the fifth is off the person, the fourth on the rim
    assert errors.right.tolist() == [True, True, False, True, False]
    np.testing.assert_allclose(errors.uv, [[.1, 0], [0, .05]], atol=1e-9)
    vertex = template.nearest_vertex(np.array([2, 2]), np.array([[.5, .4], [.4, .4]]))
    assert errors.distance[0] == template.distance(vertex[:1], vertex[1:])[0] > 0
    other = TOOL['point_errors'](points, np.full(5, 2), uv, iuv, own & False, template)
    assert not other.right.any() and len(other.uv) == 0


@pytest.mark.slow
def test_error_on_synthetic_people(tmp_path):
    make_dataset(tmp_path, dict(val=6), dense=True, use_photos=False, progress=False)

    def errors(max_edge, added=True):
        step = dict(type='InterpolateCorrespondences', max_edge=max_edge, max_added=10**6)
        people = TOOL['dense_people'](tmp_path, 'val', (192, 256), step)
        return TOOL['measure'](people, added=added)

    annotated, close, far = errors(1., added=False), errors(16.), errors(64.)
    assert len(close.right) < len(far.right)
    assert annotated.right.mean() > 0.99 and annotated.uv.mean() < 0.005
    assert annotated.distance.mean() < 0.002
    for found in (close, far):
        assert found.right.mean() > 0.98  # nothing crosses to another surface or person
        assert found.uv.mean() < 0.03 and found.distance.mean() < 0.02
    assert close.right.mean() > far.right.mean()  # longer triangles bridge more
