"""Datasets of whole bodies."""
from .densepose_coco_dataset import DensePoseCocoDataset

__all__ = ['DensePoseCocoDataset']
