"""From pictures and videos to dense pose."""
from .boxes import check_boxes
from .image_ids import ImageIds, read_image_ids
from .inferencer import DensePoseInferencer
from .pictures import read_picture
from .result_writer import ResultWriter

__all__ = ['DensePoseInferencer', 'ImageIds', 'ResultWriter', 'check_boxes', 'read_image_ids',
           'read_picture']
