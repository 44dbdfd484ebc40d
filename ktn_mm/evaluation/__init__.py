"""Dense pose evaluation: GPS, GPSm and mask IoU by COCO's protocol, without OpenMMLab.

The metric for mmengine's Runner is in :mod:`ktn_mm.evaluation.metrics`.
"""
from ktn_mm.evaluation.challenge_json import read_results, write_results
from ktn_mm.evaluation.detection import Detection, measure
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.picture import box_picture
from ktn_mm.evaluation.protocol import KINDS, evaluate

__all__ = ['KINDS', 'Detection', 'GroundTruth', 'box_picture', 'evaluate', 'measure',
           'read_results', 'write_results']
