"""What the network is trained on, in pictures: one person's crop after augmentation."""
import cv2
import numpy as np

from ..surface.charts import NUM_PARTS, PARTS, SURFACES
from .dataset_sheet import draw_keypoints
from .painting import SURFACE_COLORS, paint_coordinate

UNKNOWN = (128, 128, 128)
"""Colour of what no loss looks at."""
TITLES = ('keypoints', 'points: surface', 'points: U', 'points: V', 'parts', 'mask')
"""Of the panels of :func:`sample_panels`."""


def _part_colors() -> np.ndarray:
    """Colour parts as their front, background black, and what is unknown grey."""
    colors = np.full((256, 3), UNKNOWN, np.uint8)
    colors[0] = 0
    for part in PARTS:
        front = next(s for s in SURFACES if s.part == part.index and s.face != 'back')
        colors[part.index] = SURFACE_COLORS[front.index]
    colors.setflags(write=False)
    return colors


PART_COLORS = _part_colors()
"""(256, 3) uint8 RGB of 0 background, 1..14, and 255, unknown."""


def paint_parts(labels: np.ndarray) -> np.ndarray:
    """Paint a map (H, W) of 0..14 and 255, unknown."""
    labels = np.asarray(labels)
    if not ((labels <= NUM_PARTS) | (labels == 255)).all():
        raise ValueError(f'parts are 0..{NUM_PARTS} or 255, got {np.unique(labels)}')
    return PART_COLORS[labels]


def sample_panels(crop: np.ndarray, keypoints: np.ndarray, points: np.ndarray,
                  surfaces: np.ndarray, uv: np.ndarray, parts: np.ndarray, mask: np.ndarray,
                  *, scale: int = 3) -> list[np.ndarray]:
    """Return the panels of :data:`TITLES`, (scale h, scale w, 3) RGB each.

    Args:
        crop: (h, w, 3) RGB.
        keypoints: (17, 3) x, y in crop pixels and visibility.
        points: (P, 2) crop pixels.
        surfaces: (P,) 1..24.
        uv: (P, 2) in [0, 1].
        parts: (H, W) 0..14 or 255, on the grid of the network.
        mask: (H, W) 0, 1 or 255.
        scale: how much larger the panels are than the crop.
    """
    size = (crop.shape[1] * scale, crop.shape[0] * scale)
    large = cv2.resize(np.ascontiguousarray(crop), size, interpolation=cv2.INTER_NEAREST)
    # the middle of a pixel becomes the middle of a square of pixels
    marks = (np.asarray(points, np.float64) + 0.5) * scale - 0.5
    shown = large.copy()
    draw_keypoints(shown, np.column_stack([(keypoints[:, :2] + 0.5) * scale - 0.5,
                                           keypoints[:, 2]]))
    everywhere = np.ones((1, len(points)), bool)
    panels = [shown]
    for colors in (SURFACE_COLORS[surfaces],
                   *(paint_coordinate(uv[None, :, k], everywhere)[0] for k in range(2))):
        panels.append(_dots(large // 2, marks, colors, radius=scale + 1))
    for colors in (paint_parts(parts), np.select(
            [np.asarray(mask)[..., None] == 255, np.asarray(mask)[..., None] > 0],
            [np.uint8(UNKNOWN), np.uint8([255] * 3)], 0).astype(np.uint8)):
        panels.append(cv2.addWeighted(large, 0.35, cv2.resize(
            colors, size, interpolation=cv2.INTER_NEAREST), 0.65, 0))
    return panels


def _dots(picture: np.ndarray, marks: np.ndarray, colors: np.ndarray, radius: int) -> np.ndarray:
    for (x, y), color in zip(np.rint(marks).astype(int).tolist(), colors.tolist()):
        cv2.circle(picture, (x, y), radius, (0, 0, 0), -1)
        cv2.circle(picture, (x, y), max(1, radius - 1), color, -1)
    return picture
