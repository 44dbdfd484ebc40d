import numpy as np
import pytest

from ktn_mm.structures import CropFrame, DensePoseResult, PersonMaps


def filled(center, scale, label, size=(16, 32)):
    w, h = size
    frame = CropFrame(center, scale, size)
    uv = np.stack([np.full((h, w), label / 24), np.linspace(0, 1, h)[:, None].repeat(w, 1)])
    return PersonMaps(frame, np.full((h, w), label, np.uint8), uv)


def result(*people, scores=None, size=(60, 50)):
    n = len(people)
    scores = np.ones(n, np.float32) if scores is None else np.asarray(scores, np.float32)
    return DensePoseResult(size, np.zeros((n, 4), np.float32), scores,
                           np.zeros((n, 17, 2)), np.zeros((n, 17)), list(people))


def test_the_picture_is_the_rounded_maps_of_people_who_overlap():
    rng = np.random.default_rng(1)
    people = []
    for center, scale in (((21.3, 18.7), (20.5, 33.)), ((30., 25.), (40., 60.)),
                          ((2., 48.), (30., 40.))):
        labels = rng.integers(0, 25, (16, 12)).astype(np.uint8)
        uv = rng.random((2, 16, 12)).astype(np.float16)
        people.append(PersonMaps(CropFrame(center, scale, (12, 16)), labels, uv))
    one = result(*people, scores=(.3, .9, .5))
    labels, uv, person = one.to_maps()
    iuv = one.to_image()
    np.testing.assert_array_equal(iuv[..., 0], labels)
    np.testing.assert_array_equal(iuv[..., 1:], np.rint(uv * 255))
    assert uv.min() >= 0 and uv.max() <= 1
    assert set(np.unique(person)) == {-1, 0, 1, 2}
    assert not iuv[labels == 0].any() and (labels[person >= 0] > 0).all()


@pytest.mark.parametrize('scores, on_top', [((.9, .2), 3), ((.2, .9), 7), ((.5, .5), 3)])
def test_the_higher_score_is_on_top(scores, on_top):
    people = filled((25, 25), (10, 20), 3), filled((28, 25), (10, 20), 7)
    labels, _, person = result(*people, scores=scores).to_maps()
    assert labels[25, 26] == on_top
    assert person[25, 26] == (0 if on_top == 3 else 1)
    assert labels[25, 21] == 3 and labels[25, 32] == 7


def test_the_iuv_picture():
    one = result(filled((25, 25), (10, 20), 6))
    iuv = one.to_image()
    assert iuv.shape == (50, 60, 3) and iuv.dtype == np.uint8
    assert iuv[25, 25].tolist() == [6, round(6 / 24 * 255), iuv[25, 25, 2]]
    assert iuv[34, 25, 2] > iuv[16, 25, 2]
    assert not iuv[0, 0].any()


def test_a_person_outside_the_image_paints_nothing_and_nobody_is_fine():
    assert not result(filled((-200, 25), (10, 20), 6)).to_image().any()
    assert not result().to_image().any()
    assert len(DensePoseResult.from_people((5, 4), [])) == 0


def test_maps_of_a_wrong_size_are_refused():
    with pytest.raises(ValueError, match='16x32'):
        PersonMaps(CropFrame((0, 0), (1, 1), (16, 32)), np.zeros((16, 32), np.uint8),
                   np.zeros((2, 16, 32)))


def test_a_turned_crop_is_refused():
    with pytest.raises(ValueError, match='turned by 30 degrees'):
        PersonMaps(CropFrame((0, 0), (1, 1), (2, 3), 30.), np.zeros((3, 2), np.uint8),
                   np.zeros((2, 3, 2)))
