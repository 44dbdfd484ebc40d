"""Metrics for mmengine's Runner; importing registers them with mmpose."""
from ktn_mm.evaluation.metrics.densepose_coco_metric import DensePoseCocoMetric

__all__ = ['DensePoseCocoMetric']
