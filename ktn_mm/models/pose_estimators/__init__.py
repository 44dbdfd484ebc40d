from .topdown_densepose import TopdownDensePoseEstimator

__all__ = ['TopdownDensePoseEstimator']
