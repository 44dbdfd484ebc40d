"""Dense pose evaluation: GPS, GPSm and mask IoU by COCO's protocol, without OpenMMLab.

The metric for mmengine's Runner is in :mod:`ktn_mm.evaluation.metrics`.
"""
from ktn_mm.evaluation.challenge_json import to_record, write_results
from ktn_mm.evaluation.detection import Detection, measure
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.picture import box_picture
from ktn_mm.evaluation.protocol import KINDS, evaluate
from ktn_mm.evaluation.result_file import Results, read_results

__all__ = ['KINDS', 'Detection', 'GroundTruth', 'Results', 'box_picture', 'evaluate', 'measure',
           'read_results', 'to_record', 'write_results']
