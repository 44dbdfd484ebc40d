"""The body's table against DensePose's published numbering, written out."""
from ktn_mm.surface.charts import PARTS, SURFACE_TO_PART, SURFACES

SIDES = dict(L='left', R='right', M='middle')


def test_parts_are_numbered_as_dp_masks():
    assert [part.name for part in PARTS] == [
        'torso', 'right hand', 'left hand', 'left foot', 'right foot',
        'right upper leg', 'left upper leg', 'right lower leg', 'left lower leg',
        'left upper arm', 'right upper arm', 'left lower arm', 'right lower arm', 'head']
    assert [part.index for part in PARTS] == list(range(1, 15))


def test_surfaces_are_numbered_as_dp_i():
    assert [surface.index for surface in SURFACES] == list(range(1, 25))
    assert SURFACE_TO_PART.tolist() == [
        0, 1, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8, 9, 8, 9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 14]
    assert [surface.side for surface in SURFACES] == [
        SIDES[letter] for letter in 'MMRLLRRLRLRLRLLRLRLRLRRL']
    for surface in SURFACES[:22]:
        part = PARTS[surface.part - 1]
        assert (part.level, part.side, part.noun) == (surface.level, surface.side, surface.noun)


def test_twins_are_the_same_on_the_other_side():
    for table in (SURFACES, PARTS):
        for one in table:
            twin = table[one.twin - 1]
            sides = {'left', 'right'} if one.side != 'middle' else {'middle'}
            assert {one.side, twin.side} == sides and twin.twin == one.index
            assert (twin.level, twin.noun) == (one.level, one.noun)
            assert getattr(twin, 'face', None) == getattr(one, 'face', None)
