"""Networks; importing this registers them with mmpose."""
from .heads import DensePoseHead, KnowledgeTransferMachine
from .keypoint_pretrained import KeypointPretrained
from .losses import DenseCrossEntropy, PointSmoothL1, SurfaceCrossEntropy, SurfaceTriplet
from .necks import DeconvDecoder, MultiInstanceDecoder
from .pose_estimators import TopdownDensePoseEstimator

__all__ = ['DeconvDecoder', 'DenseCrossEntropy', 'DensePoseHead', 'KeypointPretrained',
           'KnowledgeTransferMachine', 'MultiInstanceDecoder', 'PointSmoothL1',
           'SurfaceCrossEntropy', 'SurfaceTriplet', 'TopdownDensePoseEstimator']
