"""Steps of a pipeline that know about points, parts and masks."""
from .affine import DensePoseTopdownAffine
from .flip import DensePoseRandomFlip
from .interpolation import InterpolateCorrespondences
from .loading import LoadDenseMasks, LoadPersonImage

__all__ = ['DensePoseRandomFlip', 'DensePoseTopdownAffine', 'InterpolateCorrespondences',
           'LoadDenseMasks', 'LoadPersonImage']
