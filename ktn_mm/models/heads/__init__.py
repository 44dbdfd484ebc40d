from .decoding import DenseMaps, DenseResult, decode_dense
from .densepose_head import DensePoseHead
from .ktm import KnowledgeTransferMachine

__all__ = ['DenseMaps', 'DensePoseHead', 'DenseResult', 'KnowledgeTransferMachine',
           'decode_dense']
