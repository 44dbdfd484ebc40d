import numpy as np
import pytest

from ktn_mm.surface.charts import SURFACE_TWIN
from ktn_mm.visualization.painting import (
    SURFACE_COLORS,
    contact_sheet,
    overlay,
    paint_contours,
    paint_coordinate,
    paint_surfaces,
)


def test_colours_tell_surfaces_apart():
    distance = np.abs(SURFACE_COLORS[:, None].astype(int) - SURFACE_COLORS[None]).sum(-1)
    assert distance[~np.eye(25, dtype=bool)].min() > 30
    twins = [i for i in range(1, 25) if SURFACE_TWIN[i] != i]
    assert min(distance[i, SURFACE_TWIN[i]] for i in twins) > 100


def test_paint_and_overlay_leave_the_background_alone():
    labels = np.zeros((6, 8), np.uint8)
    labels[2:4, 2:6] = 5
    assert (paint_surfaces(labels)[3, 3] == SURFACE_COLORS[5]).all()
    image = np.full((6, 8, 3), 100, np.uint8)
    laid = overlay(image, labels, alpha=1.)
    assert (laid[0, 7] == 100).all() and (laid[2, 3] == SURFACE_COLORS[5]).all()
    half = overlay(image, labels, alpha=.6)
    np.testing.assert_allclose(half[2, 3], 40 + .6 * SURFACE_COLORS[5], atol=.51)
    np.testing.assert_allclose(half[1, 3], 50)  # a line above the surface, of half the brightness


def test_coordinate_grows_brighter_and_is_black_outside():
    values = np.linspace(0, 1, 16)[None].repeat(2, 0)
    shown = np.array([[True], [False]]).repeat(16, 1)
    painted = paint_coordinate(values, shown)
    assert not painted[1].any()
    assert painted[0, -1].sum() > painted[0, 0].sum()
    assert painted.dtype == np.uint8
    assert paint_coordinate(np.zeros((1, 0)), np.zeros((1, 0), bool)).shape == (1, 0, 3)


def test_contact_sheet_places_pictures_under_titles():
    red, blue = np.zeros((10, 20, 3), np.uint8), np.zeros((40, 20, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    sheet = contact_sheet([[red, blue], [red, None]], ['a', 'b'], height=40)
    assert sheet.shape[0] == 28 + 2 * 44
    reds = (sheet == (255, 0, 0)).all(-1)
    assert reds.sum() == 2 * 40 * 80
    assert ((sheet == (0, 0, 255)).all(-1)).sum() == 40 * 20
    with pytest.raises(ValueError, match='at most 1'):
        contact_sheet([[red, blue]], ['a'])


def test_contours_lie_where_a_step_is_crossed():
    iuv = np.zeros((8, 120, 3), np.uint8)
    iuv[2:6, 10:110, 0] = 5
    iuv[2:6, 10:110, 1] = np.linspace(0, 255, 100).round()
    iuv[2:6, 60:110, 0] = 6
    drawn = paint_contours(np.full((8, 120, 3), 100, np.uint8), iuv, levels=4)
    lines = (drawn != 50).any(-1) & (iuv[..., 0] > 0)
    u = iuv[3, :, 1].astype(int)
    expected = [x for x in range(10, 109)
                if u[x] * 4 // 256 != u[x + 1] * 4 // 256 and x != 59]
    assert np.flatnonzero(lines[3]).tolist() == expected and len(expected) >= 2
    assert (drawn[iuv[..., 0] == 0] == 100).all()
