"""Reading a grid at annotated points."""
import torch
import torch.nn.functional as F
from torch import Tensor


def read_at_points(maps: Tensor, points: Tensor, crop_size: tuple[float, float]) -> Tensor:
    """Read maps bilinearly at points of the crop.

    Args:
        maps: (B, n, H, W) that covers the crop, cell i at crop pixel (i + 0.5) * stride - 0.5.
        points: (B, P, 2) crop pixels (x, y).
        crop_size: (w, h) of the crop in pixels.

    Returns:
        (B, P, n). Points beyond the outermost cells read these cells.
    """
    size = points.new_tensor(crop_size)
    grid = (points + 0.5) / size * 2 - 1
    values = F.grid_sample(maps, grid[:, :, None].to(maps.dtype), mode='bilinear',
                           padding_mode='border', align_corners=False)
    return values[..., 0].transpose(1, 2)


def inside_crop(points: Tensor, crop_size: tuple[float, float]) -> Tensor:
    """Return which points (..., 2) lie on the crop's pixels, as (...) bool."""
    limit = points.new_tensor(crop_size) - 0.5
    return torch.all((points >= -0.5) & (points <= limit), -1)
