"""Cut a person out of the picture, and take the annotated points along."""
import numpy as np
from mmpose.datasets.transforms import TopdownAffine
from mmpose.registry import TRANSFORMS

from ktn_mm.structures.crop_frame import CropFrame


@TRANSFORMS.register_module()
class DensePoseTopdownAffine(TopdownAffine):
    """Crop as mmpose's ``TopdownAffine(use_udp=True)``, and write the geometry down.

    Required Keys: img, bbox_center, bbox_scale; optional: bbox_rotation, keypoints, dp_points

    Added Keys: those of ``TopdownAffine``, and

    - crop_frame: :class:`ktn_mm.structures.CropFrame`
    - transformed_dp_points: (P, 2) float32 crop pixels, if there are dp_points

    Args:
        input_size: (w, h) of the crop.
    """

    def __init__(self, input_size: tuple[int, int] = (192, 256)) -> None:
        super().__init__(input_size=tuple(input_size), use_udp=True)

    def transform(self, results: dict) -> dict:
        results = super().transform(results)
        rotation = results.get('bbox_rotation')
        frame = CropFrame(
            center=results['input_center'], scale=results['input_scale'], size=self.input_size,
            rotation=0. if rotation is None else float(np.ravel(rotation)[0]))
        results['crop_frame'] = frame
        if results.get('dp_points') is not None:
            results['transformed_dp_points'] = frame.to_crop(
                results['dp_points']).astype(np.float32)
        return results
