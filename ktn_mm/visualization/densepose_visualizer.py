"""mmpose's visualizer, with surfaces."""
import numpy as np
from mmpose.registry import VISUALIZERS
from mmpose.visualization import PoseLocalVisualizer

from ..structures import DensePoseResult, PersonPose
from .painting import overlay


@VISUALIZERS.register_module()
class DensePoseLocalVisualizer(PoseLocalVisualizer):
    """Draw surfaces under the keypoints that mmpose draws.

    Predictions come as label maps of the crop (``dense_labels``, ``dense_uv``).

    Args:
        dense_alpha: opacity of the surfaces, in [0, 1].
        **kwargs: as for mmpose's ``PoseLocalVisualizer``.
    """

    def __init__(self, name: str = 'visualizer', *args, dense_alpha: float = 0.6,
                 **kwargs) -> None:
        super().__init__(name, *args, **kwargs)
        if not 0 <= dense_alpha <= 1:
            raise ValueError(f'dense_alpha must lie in [0, 1], got {dense_alpha}')
        self.dense_alpha = dense_alpha

    def _draw_instances_kpts(self, image: np.ndarray, instances, *args, **kwargs) -> np.ndarray:
        """Draw the surfaces of the instances, then their keypoints."""
        return super()._draw_instances_kpts(self.draw_dense(image, instances), instances, *args,
                                            **kwargs)

    def draw_dense(self, image: np.ndarray, instances) -> np.ndarray:
        """Return the RGB image with the surfaces of the instances laid over it."""
        if 'dense_labels' not in instances:
            return image
        result = DensePoseResult.from_people((image.shape[1], image.shape[0]),
                                             PersonPose.from_instances(instances))
        return overlay(image, result.to_image()[..., 0], alpha=self.dense_alpha)
