from .dense_cross_entropy import DenseCrossEntropy
from .point_smooth_l1 import PointSmoothL1
from .points import inside_crop, read_at_points
from .surface_cross_entropy import SurfaceCrossEntropy
from .surface_triplet import SurfaceTriplet

__all__ = ['DenseCrossEntropy', 'PointSmoothL1', 'SurfaceCrossEntropy', 'SurfaceTriplet',
           'inside_crop', 'read_at_points']
