"""What a camera does to a picture: blur and noise."""
import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomBlurNoise(BaseTransform):
    """Blur a picture and add noise to it, each with a probability of its own.

    Comes after the crop, so that the strengths are in pixels of what the network sees.

    Required Keys: img (h, w, 3) uint8; modified: img

    Args:
        blur_prob: probability of a Gaussian blur.
        blur_sigma: largest sigma in pixels; drawn evenly from 0.3 to this.
        noise_prob: probability of Gaussian noise.
        noise_std: largest standard deviation in grey values; drawn evenly from 0 to this.

    Raises:
        ValueError: if a probability or a strength is out of range.
    """

    least_sigma = 0.3
    """A blur below this changes next to nothing."""

    def __init__(self, blur_prob: float = 0.2, blur_sigma: float = 1.2, noise_prob: float = 0.3,
                 noise_std: float = 10.) -> None:
        for name, value in (('blur_prob', blur_prob), ('noise_prob', noise_prob)):
            if not 0 <= value <= 1:
                raise ValueError(f'RandomBlurNoise: {name} must be in [0, 1], got {value}')
        if blur_sigma < self.least_sigma or noise_std < 0:
            raise ValueError(f'RandomBlurNoise: blur_sigma must be at least {self.least_sigma} '
                             f'and noise_std not negative, got {blur_sigma} and {noise_std}')
        self.blur_prob = blur_prob
        self.blur_sigma = blur_sigma
        self.noise_prob = noise_prob
        self.noise_std = noise_std

    @cache_randomness
    def _draw(self, shape: tuple[int, ...]) -> tuple[float, np.ndarray | None]:
        """Return the blur's sigma, 0 for none, and the noise, None for none."""
        sigma, noise = 0., None
        if np.random.random() < self.blur_prob:
            sigma = np.random.uniform(self.least_sigma, self.blur_sigma)
        if np.random.random() < self.noise_prob:
            noise = np.random.normal(0, np.random.uniform(0, self.noise_std), shape)
        return sigma, noise

    def transform(self, results: dict) -> dict:
        image = results['img']
        sigma, noise = self._draw(image.shape)
        if sigma:
            image = cv2.GaussianBlur(image, (0, 0), sigma)
        if noise is not None:
            image = (image + noise).round().clip(0, 255).astype(np.uint8)
        results['img'] = image
        return results

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(blur_prob={self.blur_prob}, '
                f'blur_sigma={self.blur_sigma}, noise_prob={self.noise_prob}, '
                f'noise_std={self.noise_std})')
