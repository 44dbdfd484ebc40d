"""Annotated people, and what happens to them on the way into a network."""
from .datasets import DensePoseCocoDataset
from .transforms import (
    DensePoseRandomFlip,
    DensePoseTopdownAffine,
    InterpolateCorrespondences,
    LoadDenseMasks,
    LoadPersonImage,
    RandomBlurNoise,
    RandomOcclusion,
)

__all__ = ['DensePoseCocoDataset', 'DensePoseRandomFlip', 'DensePoseTopdownAffine',
           'InterpolateCorrespondences', 'LoadDenseMasks', 'LoadPersonImage', 'RandomBlurNoise',
           'RandomOcclusion']
