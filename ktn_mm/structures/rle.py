"""Run lengths of masks (RLE), checked before pycocotools reads them.

pycocotools notices a compressed RLE that is too long, but takes one that was cut off, or that
never was one, for a mask that ends in nothing.
"""
from collections.abc import Mapping

import numpy as np
from pycocotools import mask as mask_utils


def compress(rle: Mapping) -> Mapping:
    """Return an RLE as pycocotools decodes it, after a check that it fills its map.

    Args:
        rle: ``size`` (h, w) and ``counts``: text, or a list of run lengths.

    Raises:
        ValueError: if the run lengths do not add up to the size, or are none.
    """
    height, width = rle['size']
    counts = rle['counts']
    runs = _listed_runs(counts) if isinstance(counts, list) else read_runs(counts)
    if runs.sum() != height * width or (runs < 0).any():
        raise ValueError(f'counts add up to {runs.sum()}, not to {height} x {width}')
    return mask_utils.frPyObjects(rle, height, width) if isinstance(counts, list) else rle


def read_runs(counts: str | bytes) -> np.ndarray:
    """Read the (R,) int64 lengths of the runs of a compressed RLE.

    Each number is a group of characters that carry 5 bits, the lowest first; bit 5 tells that more
    follow, bit 4 of the last one is the sign. From the fourth on, a number is the difference to
    the one two places before.

    Source: the RLE strings of the COCO API.

    Raises:
        ValueError: if the text is empty, cut off inside a number, or holds other characters.
    """
    text = counts.encode() if isinstance(counts, str) else counts
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    last = (codes & 32) == 0
    if len(codes) == 0 or not last[-1] or codes.min() < 0 or codes.max() > 63:
        raise ValueError('counts are cut off, or no RLE text')
    ends = np.flatnonzero(last)
    starts = np.append(0, ends[:-1] + 1)
    place = np.arange(len(codes)) - np.repeat(starts, ends - starts + 1)
    if place.max() > 6:
        raise ValueError('counts hold a number that is too large')
    values = np.add.reduceat((codes & 31) << (5 * place), starts)
    values -= np.where(codes[ends] & 16, 1 << (5 * (place[ends] + 1)), 0)
    for first in (1, 2):
        values[first::2] = np.cumsum(values[first::2])
    return values


def _listed_runs(counts: list) -> np.ndarray:
    try:
        runs = np.asarray(counts)
    except ValueError:
        runs = np.zeros(0)
    if runs.ndim != 1 or runs.dtype.kind not in 'iu':
        raise ValueError('counts are no whole numbers')
    return runs
