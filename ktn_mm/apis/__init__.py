"""From pictures and videos to dense pose."""
from .boxes import check_boxes
from .inferencer import DensePoseInferencer
from .pictures import read_picture
from .result_writer import ResultWriter

__all__ = ['DensePoseInferencer', 'ResultWriter', 'check_boxes', 'read_picture']
