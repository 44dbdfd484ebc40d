"""Annotation <-> the network's grid."""
from .densepose import DensePoseCodec
from .sampling import BODY_UNKNOWN, IGNORE, sample_box_map, sample_image_map

__all__ = ['BODY_UNKNOWN', 'IGNORE', 'DensePoseCodec', 'sample_box_map', 'sample_image_map']
