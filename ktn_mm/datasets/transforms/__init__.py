"""Steps of a pipeline that know about points, parts and masks."""
from .affine import DensePoseTopdownAffine
from .blur_noise import RandomBlurNoise
from .flip import DensePoseRandomFlip
from .interpolation import InterpolateCorrespondences
from .loading import LoadDenseMasks, LoadPersonImage
from .occlusion import RandomOcclusion

__all__ = ['DensePoseRandomFlip', 'DensePoseTopdownAffine', 'InterpolateCorrespondences',
           'LoadDenseMasks', 'LoadPersonImage', 'RandomBlurNoise', 'RandomOcclusion']
