"""The codec of dense pose: a person's annotation on the grid of the network."""
import numpy as np
from mmpose.codecs import UDPHeatmap
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.registry import KEYPOINT_CODECS

from ktn_mm.codecs.sampling import IGNORE, sample_box_map, sample_image_map
from ktn_mm.structures.crop_frame import CropFrame


@KEYPOINT_CODECS.register_module()
class DensePoseCodec(BaseKeypointCodec):
    """Encode keypoints, body parts, the person's mask and annotated points of one crop.

    [w, h] crop, [W, H] grid, K keypoints, P annotated points.

    Encoded, and where :class:`mmpose.datasets.transforms.PackPoseInputs` puts it:

    - ``gt_fields.heatmaps`` (K, H, W) float32: Gaussians, by mmpose's UDP codec. UDP lays its grid
      edge to edge on the crop, so its cells are up to half a crop pixel off the cell centres.
    - ``gt_fields.dp_parts`` (1, H, W) int64: 0 background, 1..14, or 255 where nobody knows: in
      the whole crop without ``dp_masks``, inside the body if only a silhouette is annotated.
    - ``gt_fields.dp_mask`` (1, H, W) int64: 1 where the person is. From ``dp_masks``; without
      them from the COCO segmentation; without that 255 everywhere.
    - ``gt_instance_labels.keypoint_weights`` (1, K) float32
    - ``gt_instance_labels.dp_points`` (1, max_points, 2) float32: crop pixel coordinates
    - ``gt_instance_labels.dp_surfaces`` (1, max_points) int64: 1..24, 0 is padding
    - ``gt_instance_labels.dp_uv`` (1, max_points, 2) float32 in [0, 1]

    Points beyond the crop are left out. If more than ``max_points`` remain, every n-th of them is
    kept, evenly over the annotation's order and the same ones each time.
    Cells beyond the box, also those beyond the image, are background.

    Args:
        input_size: (w, h) of the crop.
        output_size: (W, H) of the grid; cell i lies at crop pixel (i + 0.5) * w / W - 0.5.
        sigma: of the keypoints' Gaussians, in grid cells; to encode, a multiple of 1/3.
        max_points: capacity P.

    Raises:
        ValueError: if an argument is out of range.
    """

    auxiliary_encode_keys = {'transformed_dp_points', 'dp_surfaces', 'dp_uv', 'dp_masks',
                             'dp_parts', 'dp_box', 'person_mask', 'crop_frame'}
    instance_mapping_table = dict(
        bbox='bboxes', bbox_score='bbox_scores', bbox_scale='bbox_scales',
        keypoints='keypoints', keypoints_visible='keypoints_visible')
    field_mapping_table = dict(
        heatmaps='heatmaps', part_targets='dp_parts', mask_targets='dp_mask')
    label_mapping_table = dict(
        keypoint_weights='keypoint_weights', point_targets='dp_points',
        surface_targets='dp_surfaces', uv_targets='dp_uv')

    def __init__(self, input_size: tuple[int, int] = (192, 256),
                 output_size: tuple[int, int] = (96, 128), sigma: float = 3.,
                 max_points: int = 256) -> None:
        super().__init__()
        for name, size in (('input_size', input_size), ('output_size', output_size)):
            if len(size) != 2 or min(size) < 2:
                raise ValueError(f'DensePoseCodec: {name} must be (w, h), both > 1, got {size}')
        if max_points < 1:
            raise ValueError(f'DensePoseCodec: max_points must be positive, got {max_points}')
        if sigma <= 0:
            raise ValueError(f'DensePoseCodec: sigma must be positive, got {sigma}')
        self.input_size = tuple(int(v) for v in input_size)
        self.output_size = tuple(int(v) for v in output_size)
        self.max_points = int(max_points)
        self.keypoint_codec = UDPHeatmap(self.input_size, self.output_size, sigma=sigma)

    def encode(self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None,
               transformed_dp_points: np.ndarray | None = None,
               dp_surfaces: np.ndarray | None = None, dp_uv: np.ndarray | None = None,
               dp_masks: list | dict | None = None, dp_parts: np.ndarray | None = None,
               dp_box: np.ndarray | None = None, person_mask: np.ndarray | None = None,
               crop_frame: CropFrame | None = None) -> dict:
        """Encode one person.

        Args:
            keypoints: (1, K, 2) crop pixels.
            keypoints_visible: (1, K).
            transformed_dp_points: (P, 2) crop pixels; None as P = 0.
            dp_surfaces: (P,) 1..24.
            dp_uv: (P, 2) in [0, 1].
            dp_masks: only to notice that nobody decoded them.
            dp_parts: (256, 256) uint8 map of the box frame: 0..14, 255 body of unknown part.
            dp_box: (x, y, w, h) of the box frame in the image.
            person_mask: (image h, image w) of 0 and 1.
            crop_frame: geometry of the crop; needed for ``dp_parts`` and ``person_mask``.

        Raises:
            ValueError: if the pipeline left out a step, its crop has another size, or sigma is
                no multiple of 1/3.
        """
        # mmpose cuts mu - 3 sigma off towards 0: near the left and upper edge, a broken radius
        # puts the Gaussian one cell off.
        if not float(3 * self.keypoint_codec.sigma).is_integer():
            raise ValueError('DensePoseCodec: to encode keypoints sigma must be a multiple of '
                             f'1/3, got {self.keypoint_codec.sigma}')
        if dp_masks is not None:
            raise ValueError('DensePoseCodec: dp_masks are not decoded; put LoadDenseMasks into '
                             'the pipeline, after LoadPersonImage')
        encoded = self.keypoint_codec.encode(keypoints, keypoints_visible)
        encoded.update(self._encode_points(transformed_dp_points, dp_surfaces, dp_uv))
        encoded.update(self._encode_maps(dp_parts, dp_box, person_mask, crop_frame))
        return encoded

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Decode (K, H, W) keypoint heat maps as :class:`mmpose.codecs.UDPHeatmap` does."""
        return self.keypoint_codec.decode(encoded)

    def _encode_points(self, points, surfaces, uv) -> dict:
        labels = dict(
            point_targets=np.zeros((1, self.max_points, 2), np.float32),
            surface_targets=np.zeros((1, self.max_points), np.int64),
            uv_targets=np.zeros((1, self.max_points, 2), np.float32))
        if points is None or len(points) == 0:
            return labels
        size = np.asarray(self.input_size)
        kept = np.flatnonzero(((points >= -0.5) & (points < size - 0.5)).all(1))
        if len(kept) > self.max_points:
            kept = kept[np.arange(self.max_points) * len(kept) // self.max_points]
        labels['point_targets'][0, :len(kept)] = points[kept]
        labels['surface_targets'][0, :len(kept)] = surfaces[kept]
        labels['uv_targets'][0, :len(kept)] = uv[kept]
        return labels

    def _encode_maps(self, parts, box, person_mask, frame) -> dict:
        width, height = self.output_size
        part_targets = np.full((1, height, width), IGNORE, np.int64)
        mask_targets = np.full((1, height, width), IGNORE, np.int64)
        if parts is not None or person_mask is not None:
            if frame is None:
                raise ValueError('DensePoseCodec: no crop_frame in the sample; crop with '
                                 'DensePoseTopdownAffine')
            if frame.size != self.input_size:
                raise ValueError(f'DensePoseCodec: input_size is {self.input_size}, but the '
                                 f'pipeline crops to {frame.size}')
            cells = frame.to_image(frame.grid_points(self.output_size))
            if parts is not None:
                part_targets[0] = sample_box_map(parts, box, cells)
                mask_targets[0] = part_targets[0] > 0
            else:
                mask_targets[0] = sample_image_map(person_mask, cells)
        return dict(part_targets=part_targets, mask_targets=mask_targets)
