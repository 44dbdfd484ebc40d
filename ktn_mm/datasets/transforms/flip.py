"""Mirror a person: picture, keypoints, and everything on its surface."""
from os import PathLike

import numpy as np
from mmpose.datasets.transforms import RandomFlip
from mmpose.registry import TRANSFORMS

from ktn_mm.surface.charts import PART_TWIN

# Body of unknown part, 255, stays what it is.
_PART_LUT = np.arange(256, dtype=np.uint8)
_PART_LUT[:len(PART_TWIN)] = PART_TWIN


@TRANSFORMS.register_module()
class DensePoseRandomFlip(RandomFlip):
    """Mirror the sample left to right with some probability; x becomes W - 1 - x, exactly.

    Comes before the crop. Surfaces and parts become their twins; (U, V) go where the template's
    mirror puts them.

    Required Keys: those of mmpose's ``RandomFlip``; modified where present: dp_points,
    dp_surfaces, dp_uv, dp_parts, dp_box, person_mask, bbox_rotation

    Args:
        prob: probability in [0, 1].
        template: the body whose mirror is used: None for the open body, a path, or an object with
            ``mirror(surface, uv) -> (surface, uv)``.
    """

    def __init__(self, prob: float = 0.5, template: str | PathLike | object | None = None) -> None:
        if isinstance(prob, (list, tuple)) or not 0 <= prob <= 1:
            raise ValueError(f'DensePoseRandomFlip: prob must be one number in [0, 1], got {prob}')
        super().__init__(prob=float(prob), direction='horizontal')
        self.template = template
        self._loaded = None

    def _mirror(self, surfaces: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._loaded is None:
            if hasattr(self.template, 'mirror'):
                self._loaded = self.template
            else:
                from ktn_mm.surface.template import SurfaceTemplate
                self._loaded = SurfaceTemplate.load(self.template)
        return self._loaded.mirror(surfaces, uv)

    def __getstate__(self) -> dict:
        # A worker loads the template itself (once); it is not worth sending.
        return dict(self.__dict__, _loaded=None)

    def transform(self, results: dict) -> dict:
        if 'crop_frame' in results or 'input_size' in results:
            raise ValueError('DensePoseRandomFlip must come before the crop')
        results = super().transform(results)
        return self._flip_dense(results) if results['flip'] else results

    def _flip_dense(self, results: dict) -> dict:
        width = results['img_shape'][1]
        if results.get('dp_points') is not None and len(results['dp_points']):
            points = results['dp_points'].copy()
            points[:, 0] = width - 1 - points[:, 0]
            surfaces, uv = self._mirror(results['dp_surfaces'], results['dp_uv'])
            results.update(dp_points=points, dp_surfaces=np.asarray(surfaces, np.int64),
                           dp_uv=np.asarray(uv, np.float32))
        if results.get('dp_box') is not None:
            x, y, w, h = results['dp_box']
            results['dp_box'] = np.array([width - x - w, y, w, h])
        if results.get('dp_parts') is not None:
            results['dp_parts'] = _PART_LUT[results['dp_parts']][:, ::-1]
        if results.get('person_mask') is not None:
            results['person_mask'] = results['person_mask'][:, ::-1]
        if results.get('bbox_rotation') is not None:
            results['bbox_rotation'] = -np.asarray(results['bbox_rotation'])
        return results
