import numpy as np
import pytest

from ktn_mm.app import views
from ktn_mm.structures import DensePoseResult
from ktn_mm.visualization.painting import SURFACE_COLORS


def random_iuv(height, width):
    iuv = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    iuv[..., 0] %= 25
    iuv[iuv[..., 0] == 0] = 0
    return iuv


@pytest.mark.parametrize('size, shown', [
    ((400, 300), (400, 300)), ((2048, 1024), (1024, 512)), ((30_000, 3), (1024, 1))])
def test_large_pictures_are_shown_smaller(size, shown):
    assert views.view_size(size) == shown


@pytest.mark.parametrize('height, width', [(40, 30), (1500, 1100), (1025, 1030)])
def test_shown_values_are_those_of_the_pixels_that_the_page_names(height, width):
    """The page computes x = floor((2 column + 1) width / (2 shown width))."""
    iuv = random_iuv(height, width)
    small = views.shrink_values(iuv)
    h, w = small.shape[:2]
    for row, column in np.random.default_rng(1).integers(0, (h, w), (50, 2)).tolist():
        y, x = (2 * row + 1) * height // (2 * h), (2 * column + 1) * width // (2 * w)
        assert small[row, column].tolist() == iuv[y, x].tolist()


def test_the_views_of_a_result():
    iuv = random_iuv(20, 30)
    image = np.full((20, 30, 3), (10, 20, 30), np.uint8)
    result = DensePoseResult.from_iuv(iuv, image=image)
    seen = views.make_views(result, iuv)
    assert {picture.shape for picture in seen} == {(20, 30, 3)}
    np.testing.assert_array_equal(seen.surfaces, SURFACE_COLORS[iuv[..., 0]])
    for picture in (seen.u, seen.v):
        assert not picture[iuv[..., 0] == 0].any() and picture[iuv[..., 0] > 0].any(1).all()
    np.testing.assert_array_equal(seen.iuv, iuv)
    assert seen.overlay[0, 0].tolist() == [255] * 3  # the box
