"""Turn surfaces, U and V into pictures that a person can read.

All pictures are RGB uint8.
"""
import cv2
import numpy as np

from ..surface.charts import NUM_SURFACES, SURFACES

_HUES = {'torso': 30, 'hand': 0, 'foot': 150, 'head': 15,
         ('upper', 'leg'): 105, ('lower', 'leg'): 130, ('upper', 'arm'): 60, ('lower', 'arm'): 85}


def _palette() -> np.ndarray:
    """Colour the 24 surfaces: hue by part and side, dark for the back, light for the front."""
    colors = np.zeros((NUM_SURFACES + 1, 3), np.uint8)
    for s in SURFACES:
        hue = _HUES.get(s.noun, _HUES.get((s.level, s.noun)))
        if s.side == 'left':
            hue = (hue + 90) % 180
        value = {'back': 130, 'front': 255, 'full': 215}[s.face]
        hsv = np.uint8([[[hue, 190, value]]])
        colors[s.index] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    colors.setflags(write=False)
    return colors


SURFACE_COLORS = _palette()
"""(25, 3) uint8 RGB; background black. Left and right lie opposite on the colour circle."""


def paint_surfaces(labels: np.ndarray) -> np.ndarray:
    """Paint a label map (H, W) of 0..24 in the colours of the surfaces."""
    return SURFACE_COLORS[np.asarray(labels)]


def paint_coordinate(values: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Paint a map (H, W) of U or V in [0, 1] with viridis, black where not ``shown``."""
    scaled = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.where(np.asarray(shown)[..., None], color_table(cv2.COLORMAP_VIRIDIS)[scaled], 0)


def color_table(colormap: int) -> np.ndarray:
    """Return the (256, 3) uint8 RGB colours of one of OpenCV's colour maps."""
    return cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], colormap)[0, :, ::-1]


def overlay(image: np.ndarray, labels: np.ndarray, *, alpha: float = 0.6) -> np.ndarray:
    """Lay the colours of the surfaces over an RGB image, with outlines between surfaces."""
    labels = np.asarray(labels)
    image = np.ascontiguousarray(image)
    # in 8 bits: pictures of a camera are large
    mixed = cv2.addWeighted(image, 1 - alpha, paint_surfaces(labels), alpha, 0)
    laid = np.where(labels[..., None] > 0, mixed, image)
    edge = np.zeros(labels.shape, bool)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    laid[edge] = np.rint(laid[edge] * 0.5).astype(np.uint8)
    return laid


def paint_fine_segmentation(labels: np.ndarray, *, colormap: int = cv2.COLORMAP_VIRIDIS,
                            black: bool = False) -> np.ndarray:
    """Paint a label map (H, W) of 0..24 in 25 steps of a colour map.

    Source: detectron2's ``dp_segm`` picture with alpha = 1: the colour at floor(I * 255 / 24).

    Args:
        labels: (H, W).
        colormap: of OpenCV; detectron2 draws in parula, vid2densepose in viridis.
        black: paint the background black instead of in the map's first colour.
    """
    steps = (np.arange(NUM_SURFACES + 1) * 255 // NUM_SURFACES).astype(np.uint8)
    colors = color_table(colormap)[steps]
    if black:
        colors[0] = 0
    return colors[np.asarray(labels)]


def paint_contours(image: np.ndarray, iuv: np.ndarray, *, levels: int = 10) -> np.ndarray:
    """Draw lines of equal U and of equal V over a dimmed image, surface by surface.

    A line of U turns from cyan to magenta as U grows, one of V from green to yellow.

    Args:
        image: (H, W, 3) RGB.
        iuv: (H, W, 3) uint8 I, U * 255, V * 255.
        levels: steps that [0, 1] is cut into.
    """
    labels = iuv[..., 0]
    thick = np.ones((max(1, round(max(image.shape[:2]) / 600)),) * 2, np.uint8)
    picture = np.where(labels[..., None] > 0, image // 2, image)
    for channel, colormap in ((1, cv2.COLORMAP_COOL), (2, cv2.COLORMAP_SUMMER)):
        colors = color_table(colormap)
        step = (iuv[..., channel].astype(np.uint16) * levels // 256).astype(np.uint8)
        line = np.zeros(labels.shape, np.uint8)
        for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
            same = (labels[here] == labels[there]) & (labels[here] > 0)
            line[here] |= same & (step[here] != step[there])
        line = cv2.dilate(line, thick) * (labels > 0)
        picture[line > 0] = colors[iuv[..., channel][line > 0]]
    return picture


def draw_boxes(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Draw boxes (N, 4) x1, y1, x2, y2 as thin white lines on a copy of an RGB image."""
    picture = np.ascontiguousarray(image).copy()
    thickness = max(1, round(max(image.shape[:2]) / 400))
    for box in np.asarray(boxes).reshape(-1, 4):
        x1, y1, x2, y2 = (int(round(float(v))) for v in box)
        cv2.rectangle(picture, (x1, y1), (x2, y2), (255, 255, 255), thickness)
    return picture


def panels(image: np.ndarray, labels: np.ndarray, uv: np.ndarray) -> list[np.ndarray]:
    """Return three pictures: surfaces over the dimmed image, U, V."""
    shown = np.asarray(labels) > 0
    return [overlay(image, labels, alpha=0.75), paint_coordinate(uv[..., 0], shown),
            paint_coordinate(uv[..., 1], shown)]


def contact_sheet(rows: list[list[np.ndarray | None]], titles: list[str],
                  *, height: int = 240, gap: int = 4) -> np.ndarray:
    """Lay pictures out in rows under column titles.

    Args:
        rows: of every row, its pictures (RGB uint8) or None for an empty place.
        titles: one per column.
        height: of a row in pixels; pictures keep their proportions and are centred in columns
            as wide as their widest picture.
        gap: white pixels between pictures.

    Raises:
        ValueError: if there is no row, or if a row is longer than the titles.
    """
    if not rows or any(len(row) > len(titles) for row in rows):
        raise ValueError(f'contact_sheet needs rows of at most {len(titles)} pictures, got '
                         f'{[len(row) for row in rows]}')
    scaled = [[None if p is None else _fit(p, height) for p in row] for row in rows]
    widths = [max([p.shape[1] for row in scaled for p in row[i:i + 1] if p is not None] + [40])
              for i in range(len(titles))]
    head = 28
    sheet = np.full((head + len(rows) * (height + gap), sum(widths) + gap * (len(widths) + 1), 3),
                    255, np.uint8)
    left = gap
    for i, (title, width) in enumerate(zip(titles, widths)):
        cv2.putText(sheet, title, (left + 2, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1,
                    cv2.LINE_AA)
        for r, row in enumerate(scaled):
            if i < len(row) and row[i] is not None:
                x = left + (width - row[i].shape[1]) // 2
                y = head + r * (height + gap)
                sheet[y:y + height, x:x + row[i].shape[1]] = row[i]
        left += width + gap
    return sheet


def _fit(picture: np.ndarray, height: int) -> np.ndarray:
    scale = height / picture.shape[0]
    size = (max(1, round(picture.shape[1] * scale)), height)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return cv2.resize(np.ascontiguousarray(picture), size, interpolation=how)
