from .deconv_decoder import DeconvDecoder
from .instance_strengthening import InstanceStrengthening
from .multi_instance_decoder import MultiInstanceDecoder
from .rearrangement import (
    BilinearLift,
    FeatureAdjustment,
    InvertedFeatureAdjustment,
    space_to_depth,
)
from .trident import Trident, group_norm

__all__ = ['BilinearLift', 'DeconvDecoder', 'FeatureAdjustment', 'InstanceStrengthening',
           'InvertedFeatureAdjustment', 'MultiInstanceDecoder', 'Trident', 'group_norm',
           'space_to_depth']
