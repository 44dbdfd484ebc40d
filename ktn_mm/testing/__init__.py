"""Small, complete data made on the fly, for tests and for a first look without a download."""
from .densepose_twin import make_densepose_twin
from .relationships_twin import make_relationships_twin
from .tiny_dataset import TinyDataset, body_at, make_tiny_dataset, paint

__all__ = ['TinyDataset', 'body_at', 'make_densepose_twin', 'make_relationships_twin',
           'make_tiny_dataset', 'paint']
