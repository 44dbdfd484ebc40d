"""Something in front of a person."""
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmpose.registry import TRANSFORMS

from ktn_mm.structures.crop_frame import image_to_box

_GRAIN = 12.
"""Standard deviation of the occluder's grey values about its colour."""


@TRANSFORMS.register_module()
class RandomOcclusion(BaseTransform):
    """Put a rectangle of one grainy colour in front of the crop, with some probability.

    The annotation follows, as annotators see only what is visible: points under the rectangle
    go, and parts and the person's mask are background there. Keypoints stay; COCO's are annotated
    where they are hidden, too.
    Comes after ``DensePoseTopdownAffine`` and ``LoadDenseMasks``.

    Required Keys: img, crop_frame; optional: dp_points, transformed_dp_points, dp_surfaces, dp_uv,
    dp_parts, dp_box, person_mask

    Modified Keys: all of them but crop_frame and dp_box

    Args:
        prob: probability in [0, 1].
        area: smallest and largest share of the crop that is covered.
        aspect: largest ratio of the sides; either side may be the longer one.

    Raises:
        ValueError: if an argument is out of range, or there is no crop yet.
    """

    def __init__(self, prob: float = 0.3, area: tuple[float, float] = (0.02, 0.12),
                 aspect: float = 3.) -> None:
        if not 0 <= prob <= 1 or len(area) != 2 or not 0 < area[0] <= area[1] < 1 or aspect < 1:
            raise ValueError(f'RandomOcclusion: prob {prob} must be in [0, 1], area {area} two '
                             f'rising shares in (0, 1), aspect {aspect} at least 1')
        self.prob = prob
        self.area = tuple(area)
        self.aspect = aspect

    @cache_randomness
    def _draw(self, width: int, height: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the rectangle x1, y1, x2, y2 (whole pixels, last ones out) and its picture."""
        if np.random.random() >= self.prob:
            return None
        pixels = np.random.uniform(*self.area) * width * height
        ratio = self.aspect ** np.random.uniform(-1, 1)
        size = np.array([(pixels * ratio) ** .5, (pixels / ratio) ** .5])
        size = np.clip(size.round(), 1, [width, height]).astype(int)
        corner = np.random.randint(0, [width - size[0] + 1, height - size[1] + 1])
        colour = np.random.uniform(0, 255, 3)
        picture = np.random.normal(colour, _GRAIN, (size[1], size[0], 3))
        return (np.concatenate([corner, corner + size]),
                picture.round().clip(0, 255).astype(np.uint8))

    def transform(self, results: dict) -> dict:
        if 'crop_frame' not in results:
            raise ValueError('RandomOcclusion must come after DensePoseTopdownAffine')
        height, width = results['img'].shape[:2]
        drawn = self._draw(width, height)
        if drawn is None:
            return results
        (x1, y1, x2, y2), picture = drawn
        results['img'] = results['img'].copy()
        results['img'][y1:y2, x1:x2] = picture
        corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]) - 0.5
        self._hide_points(results, corners[0], corners[2])
        self._hide_masks(results, results['crop_frame'].to_image(corners))
        return results

    def _hide_points(self, results: dict, low: np.ndarray, high: np.ndarray) -> None:
        """Leave out the points between two corners, in crop pixels."""
        points = results.get('transformed_dp_points')
        if points is None:
            return
        seen = ~((points >= low) & (points < high)).all(1)
        for key in ('dp_points', 'transformed_dp_points', 'dp_surfaces', 'dp_uv'):
            results[key] = results[key][seen]

    def _hide_masks(self, results: dict, corners: np.ndarray) -> None:
        """Make background of what lies between four corners (4, 2), in image pixels."""
        parts, mask = results.get('dp_parts'), results.get('person_mask')
        if parts is not None:
            size = np.array(parts.shape[::-1], np.float64)
            # Pixel (r, c) of the box frame covers [c, c + 1], so its centre is at c + 0.5.
            frame = image_to_box(corners, results['dp_box'], size) - 0.5
            results['dp_parts'] = _fill(parts, frame)
        if mask is not None:
            results['person_mask'] = _fill(mask, corners)

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(prob={self.prob}, area={self.area}, '
                f'aspect={self.aspect})')


def _fill(values: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return a copy of a map (h, w) with 0 where pixels' centres lie between four corners (x, y).

    OpenCV's polygons also take the pixels that their outline touches.
    """
    size = values.shape[::-1]
    (x1, y1), (x2, y2) = (np.clip(v, 0, size).astype(int) for v in (
        np.ceil(corners.min(0)), np.floor(corners.max(0)) + 1))
    x, y = np.arange(x1, x2), np.arange(y1, y2)[:, None]
    between = np.ones((y2 - y1, x2 - x1), bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, 0), strict=True):
        between &= (bx - ax) * (y - ay) >= (by - ay) * (x - ax)
    values = values.copy()
    values[y1:y2, x1:x2][between] = 0
    return values
