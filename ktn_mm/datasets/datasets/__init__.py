"""Datasets."""
from .body import DensePoseCocoDataset

__all__ = ['DensePoseCocoDataset']
