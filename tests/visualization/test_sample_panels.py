import cv2
import numpy as np
import pytest

from ktn_mm.surface.charts import PARTS
from ktn_mm.visualization.painting import SURFACE_COLORS, color_table
from ktn_mm.visualization.sample_panels import PART_COLORS, TITLES, paint_parts, sample_panels


@pytest.fixture
def panels():
    crop = np.full((32, 24, 3), 200, np.uint8)
    keypoints = np.zeros((17, 3))
    keypoints[0] = 6, 5, 2
    parts, mask = np.zeros((16, 12), np.int64), np.zeros((16, 12), np.int64)
    parts[4, 3], parts[8, 6] = 6, 255
    mask[4, 3], mask[8, 6] = 1, 255
    drawn = sample_panels(crop, keypoints, np.array([[10., 20.], [3., 4.]]), np.array([5, 9]),
                          np.array([[0., 1.], [.5, .25]]), parts, mask, scale=4)
    return dict(zip(TITLES, drawn))


def at(panel, x, y):
    """Return the colour in the middle of a pixel of the crop, at scale 4."""
    return panel[4 * y + 1, 4 * x + 1].tolist()


def test_points_are_where_they_were_annotated(panels):
    viridis = color_table(cv2.COLORMAP_VIRIDIS)
    assert len(panels) == 6 and all(p.shape == (128, 96, 3) for p in panels.values())
    assert at(panels['points: surface'], 10, 20) == SURFACE_COLORS[5].tolist()
    assert at(panels['points: surface'], 3, 4) == SURFACE_COLORS[9].tolist()
    assert at(panels['points: U'], 10, 20) == viridis[0].tolist()
    assert at(panels['points: V'], 10, 20) == viridis[255].tolist()
    assert at(panels['points: V'], 3, 4) == viridis[64].tolist()
    assert at(panels['points: V'], 20, 2) == [100] * 3


def test_keypoints_parts_and_mask_are_drawn_on_their_grids(panels):
    assert at(panels['keypoints'], 6, 5) == [0, 255, 0]
    mixed = 0.35 * 200 + 0.65 * PART_COLORS[6].astype(float)
    np.testing.assert_allclose(at(panels['parts'], 6, 8), mixed, atol=1)  # cell 3, 4
    for name, inside in (('parts', None), ('mask', 255)):
        np.testing.assert_allclose(at(panels[name], 12, 16), 0.35 * 200 + 0.65 * 128, atol=1)
        np.testing.assert_allclose(at(panels[name], 1, 1), 0.35 * 200, atol=1)
        if inside:
            np.testing.assert_allclose(at(panels[name], 6, 8), 0.35 * 200 + 0.65 * inside, atol=1)


def test_parts_have_colours_of_their_own():
    colors = {tuple(PART_COLORS[part.index]) for part in PARTS}
    assert len(colors) == 14 and (0, 0, 0) not in colors
    with pytest.raises(ValueError, match='0..14 or 255'):
        paint_parts(np.array([[15]]))


def test_a_person_without_points():
    nothing = np.zeros((0, 2))
    blank = np.full((4, 3), 255)
    drawn = sample_panels(np.zeros((8, 6, 3), np.uint8), np.zeros((17, 3)), nothing,
                          np.zeros(0, np.int64), nothing, blank, blank)
    assert [p.shape for p in drawn] == [(24, 18, 3)] * 6
