"""From pictures and videos to dense pose."""
from .boxes import check_boxes
from .inferencer import DensePoseInferencer
from .pictures import read_picture

__all__ = ['DensePoseInferencer', 'check_boxes', 'read_picture']
