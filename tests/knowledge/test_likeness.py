"""How alike rows are, on rows whose likeness is known."""
import numpy as np
import pytest

from ktn_mm.knowledge.likeness import RELATIONS, measure_likeness, relation_of
from ktn_mm.surface.charts import SURFACES


def test_rows_that_have_nothing_in_common():
    """Of an orthonormal basis the mean has 1/24 of the energy; 23 directions are equal; the
    cosine of what is left, e_i - mean, is -1/23 for every pair.
    """
    found = measure_likeness(3 * np.eye(24, 40))
    assert found.common == pytest.approx(1 / 24)
    assert found.rank == pytest.approx(23)
    assert found.cosines == pytest.approx(dict.fromkeys(RELATIONS, -1 / 23))


def test_what_is_common_does_not_touch_the_rest():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(24, 60))
    rows -= rows.mean(0)
    shift = rng.normal(size=60)
    plain, shifted = measure_likeness(rows), measure_likeness(rows + shift)
    assert plain.common == pytest.approx(0)
    own = np.square(rows).sum() / 24
    assert shifted.common == pytest.approx(np.square(shift).sum() / (np.square(shift).sum() + own))
    assert shifted.rank == pytest.approx(plain.rank)
    assert shifted.cosines == pytest.approx(plain.cosines)


def test_rows_of_two_kinds():
    """Fronts of limbs (+) and backs (-) along one axis, all others zero."""
    sign = np.array([dict(front=1, back=-1).get(s.face, 0) * (s.noun != 'torso')
                     for s in SURFACES])
    found = measure_likeness(sign[:, None] * np.eye(1, 5))
    assert found.common == pytest.approx(0)
    assert found.rank == pytest.approx(1)
    assert found.cosines['front and back'] == pytest.approx(-1)
    assert found.cosines['left and right'] == pytest.approx(1)
    assert found.cosines['upper and lower'] == pytest.approx(1)


def test_equal_rows_have_no_rank():
    found = measure_likeness(np.full((24, 7), .1))
    assert found.common == pytest.approx(1) and found.rank == 0
    assert np.isnan(list(found.cosines.values())).all()


def test_relations():
    by_name = {s.name: s for s in SURFACES}
    for a, b, relation in (
            ('torso front', 'torso back', 'front and back'),
            ('left upper leg front', 'left upper leg back', 'front and back'),
            ('left head', 'right head', 'left and right'),
            ('left hand', 'right hand', 'left and right'),
            ('left upper arm back', 'right upper arm back', 'left and right'),
            ('right upper arm back', 'right lower arm back', 'upper and lower'),
            ('right upper arm back', 'right lower arm front', 'others'),
            ('left head', 'left foot', 'others')):
        assert relation_of(by_name[a], by_name[b]) == relation_of(by_name[b], by_name[a]) == \
            relation, (a, b)


def test_what_it_refuses():
    with pytest.raises(ValueError, match=r'must be \(24, D\), got \(25, 3\)'):
        measure_likeness(np.ones((25, 3)))
    with pytest.raises(ValueError, match='all zero'):
        measure_likeness(np.zeros((24, 3)))
