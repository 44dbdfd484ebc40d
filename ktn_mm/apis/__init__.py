"""From an image to dense pose."""
from .inference import build_test_pipeline, check_boxes, infer_image

__all__ = ['build_test_pipeline', 'check_boxes', 'infer_image']
