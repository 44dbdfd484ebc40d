"""From the head's maps to a label and a chart coordinate for every pixel of the crop.

Legend: B crops, S = 25 surfaces with background, H x W grid, h x w crop.
"""
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ktn_mm.surface.charts import NUM_SURFACES, SURFACE_TWIN


class DenseMaps(NamedTuple):
    """What dense pose is decoded from; every map is (B, n, H, W).

    Attributes:
        mask: 2 logits, person in channel 1.
        surfaces: S logits.
        u: S values.
        v: S values.
    """

    mask: Tensor
    surfaces: Tensor
    u: Tensor
    v: Tensor


class DenseResult(NamedTuple):
    """Dense pose of B crops.

    Attributes:
        labels: (B, h, w) int64, 0 background, 1..24.
        uv: (B, 2, h, w) float32 in [0, 1], 0 on background.
        confidence: (B,) mean probability of the person over the labelled pixels, 0 where there
            are none.
    """

    labels: Tensor
    uv: Tensor
    confidence: Tensor


def decode_dense(maps: DenseMaps, size: tuple[int, int], *, threshold: float = 0.3,
                 flipped: DenseMaps | None = None,
                 mirror_table: Tensor | None = None) -> DenseResult:
    """Decode dense pose at the resolution of the crop.

    A pixel belongs to the person where the mask's probability exceeds the threshold; its label
    is the likeliest of the 24 surfaces. The surface logits' own background channel is left out:
    no training point ever asks for it, and inside the mask it could only tear holes.
    Logits are enlarged bilinearly before the decision; U and V are read from the channel of the
    label alone.

    With a second set of maps, of the mirrored crop, probabilities are averaged, and so are the
    coordinates that both see, the mirrored ones taken through the template's mirror.

    Source: the official code's inference; DensePose's for the mask.

    Args:
        maps: of the crop.
        size: (w, h) of the crop.
        threshold: of the person's probability.
        flipped: maps of the mirrored crop.
        mirror_table: of :func:`mirror_table`, needed with ``flipped``.
    """
    mask, surfaces = maps.mask, maps.surfaces
    if flipped is not None:
        twins = torch.tensor(SURFACE_TWIN, device=mask.device)
        mask = _mean_log_probability(mask, flipped.mask.flip(-1))
        surfaces = _mean_log_probability(surfaces, flipped.surfaces.flip(-1)[:, twins])
    person = _enlarge(mask, size).softmax(1)[:, 1]
    foreground = person > threshold
    # on the CPU, max along channels is twice as fast as argmax
    labels = (_enlarge(surfaces[:, 1:], size).max(1).indices + 1) * foreground

    x, y = _crop_on_grid(mask.shape[-2:], size, mask.device)
    uv = torch.stack([read_channel(m, labels, x, y) for m in (maps.u, maps.v)], 1).clamp(0, 1)
    if flipped is not None:
        seen = twins[labels]
        other = torch.stack([read_channel(m.flip(-1), seen, x, y)
                             for m in (flipped.u, flipped.v)], 1).clamp(0, 1)
        uv = (uv + mirror_uv(seen, other, mirror_table)) / 2
    area = foreground.sum((1, 2))
    confidence = (person * foreground).sum((1, 2)) / area.clamp(min=1)
    return DenseResult(labels, uv * foreground[:, None], confidence)


def read_channel(maps: Tensor, labels: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Read one channel per pixel bilinearly, without enlarging the others.

    Args:
        maps: (B, n, H, W).
        labels: (B, h, w) int64, the channel to read.
        x, y: where to read, in cells, broadcastable to (B, h, w); beyond the outermost cells
            these are read.

    Returns:
        (B, h, w) of the maps' dtype.
    """
    channels, height, width = maps.shape[1:]
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    left, top = x.floor().long(), y.floor().long()
    fx, fy = x - left, y - top
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    crop = torch.arange(len(maps), device=maps.device).view(-1, 1, 1)
    start = (crop * channels + labels) * height
    flat = maps.reshape(-1)

    def at(row: Tensor, column: Tensor) -> Tensor:
        return flat[(start + row) * width + column]

    upper = at(top, left) * (1 - fx) + at(top, right) * fx
    lower = at(bottom, left) * (1 - fx) + at(bottom, right) * fx
    return upper * (1 - fy) + lower * fy


def mirror_table(template) -> Tensor:
    """Tabulate a template's mirror on the 256 x 256 grid of 8-bit charts.

    Args:
        template: has ``mirror(surface (P,), uv (P, 2)) -> (surface, uv)``.

    Returns:
        (2, 25, 256, 256) float32: U and V of the twin's point for every (surface, V, U).

    Raises:
        ValueError: if the mirror swaps other surfaces than :data:`SURFACE_TWIN`.
    """
    ticks = np.linspace(0, 1, 256, dtype=np.float32)
    uv = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    table = np.zeros((NUM_SURFACES + 1, len(uv), 2), np.float32)
    for surface in range(1, NUM_SURFACES + 1):
        twin, table[surface] = template.mirror(np.full(len(uv), surface, np.int64), uv)
        if np.any(twin != SURFACE_TWIN[surface]):
            raise ValueError(f'the template mirrors surface {surface} to '
                             f'{np.unique(twin).tolist()}, not to {SURFACE_TWIN[surface]}')
    return torch.from_numpy(table.reshape(-1, 256, 256, 2)).permute(3, 0, 1, 2).contiguous()


def mirror_uv(labels: Tensor, uv: Tensor, table: Tensor) -> Tensor:
    """Take chart coordinates to the twin surface, reading the table bilinearly.

    Args:
        labels: (B, h, w) int64, the surface that uv lies on.
        uv: (B, 2, h, w) in [0, 1].
        table: (2, 25, 256, 256) of :func:`mirror_table`.

    Returns:
        (B, 2, h, w) on the twins; exact where the mirror is linear in U and V.
    """
    x, y = uv[:, 0] * 255, uv[:, 1] * 255
    flat = labels.flatten(0, 1)[None], x.flatten(0, 1)[None], y.flatten(0, 1)[None]
    return torch.stack([read_channel(t[None], *flat)[0] for t in table]
                       ).unflatten(1, labels.shape[:2]).transpose(0, 1)


def _mean_log_probability(a: Tensor, b: Tensor) -> Tensor:
    """Return logits of the mean of two distributions over channels."""
    return torch.logaddexp(a.log_softmax(1), b.log_softmax(1))


def _enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size=size[::-1], mode='bilinear', align_corners=False)


def _crop_on_grid(grid: tuple[int, int], size: tuple[int, int],
                  device: torch.device) -> tuple[Tensor, Tensor]:
    """Return where the crop's columns (w,) and rows (h, 1) lie on the grid, in cells."""
    (height, width), (w, h) = grid, size
    x = (torch.arange(w, device=device) + 0.5) * (width / w) - 0.5
    y = (torch.arange(h, device=device) + 0.5) * (height / h) - 0.5
    return x, y[:, None]
