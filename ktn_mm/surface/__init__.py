"""The body as a surface: its 24 charts, distances on it, its symmetry. numpy and scipy only."""
from .charts import (
    KEYPOINT_TWIN,
    KEYPOINTS,
    NUM_KEYPOINTS,
    NUM_PARTS,
    NUM_SURFACES,
    PART_TWIN,
    PARTS,
    SURFACE_KAPPA,
    SURFACE_TO_PART,
    SURFACE_TWIN,
    SURFACES,
)
from .geodesics import GeodesicTable
from .template import OPEN_BODY, SurfaceTemplate

__all__ = [
    'KEYPOINTS', 'KEYPOINT_TWIN', 'NUM_KEYPOINTS', 'NUM_PARTS', 'NUM_SURFACES', 'OPEN_BODY',
    'PARTS', 'PART_TWIN', 'SURFACES', 'SURFACE_KAPPA', 'SURFACE_TO_PART', 'SURFACE_TWIN',
    'GeodesicTable', 'SurfaceTemplate'
]
