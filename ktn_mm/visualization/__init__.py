"""Pictures of surfaces, U and V."""
from .painting import (
    SURFACE_COLORS,
    contact_sheet,
    draw_boxes,
    overlay,
    paint_contours,
    paint_coordinate,
    paint_fine_segmentation,
    paint_surfaces,
    panels,
)

__all__ = ['SURFACE_COLORS', 'contact_sheet', 'draw_boxes', 'overlay', 'paint_contours',
           'paint_coordinate', 'paint_fine_segmentation', 'paint_surfaces', 'panels']
