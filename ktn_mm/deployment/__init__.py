"""Inference outside of torch: what a model file says, and its decoding. numpy and OpenCV only."""
from .dense_decoding import DenseArrays, decode_dense
from .keypoint_decoding import decode_keypoints
from .recipe import OUTPUT_NAMES, InferenceRecipe

__all__ = ['OUTPUT_NAMES', 'DenseArrays', 'InferenceRecipe', 'decode_dense', 'decode_keypoints']
