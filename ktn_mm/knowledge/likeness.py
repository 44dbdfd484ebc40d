"""How alike the predictors of the 24 surfaces are.

KTM makes all of them out of the same few rows, so that they start nearly equal. What all share
cannot tell one surface from another; what is each one's own can.
"""
from itertools import combinations
from typing import NamedTuple

import numpy as np

from ktn_mm.surface.charts import NUM_SURFACES, SURFACES, Surface

from .graph import cosine

RELATIONS = ('front and back', 'left and right', 'upper and lower', 'others')
"""How two surfaces can be related; the first that holds counts."""


class Likeness(NamedTuple):
    """What :func:`measure_likeness` finds.

    Attributes:
        common: share of the rows' energy (sum of squares) that lies in their mean, 0..1.
        rank: effective rank of what is each row's own, 1..23 (0 if all rows are equal).
        cosines: relation -> mean cosine between the own parts of two surfaces so related.
    """

    common: float
    rank: float
    cosines: dict[str, float]


def measure_likeness(rows: np.ndarray) -> Likeness:
    """Measure how alike the rows of 24 surfaces are.

    The effective rank is the exponential of the entropy of the normalised squared singular
    values: n if n directions have the same energy and the others none.

    Args:
        rows: (24, D), a predictor's row for each surface, background left out.

    Raises:
        ValueError: another shape, or only zeros.
    """
    rows = np.asarray(rows, np.float64)
    if rows.ndim != 2 or len(rows) != NUM_SURFACES:
        raise ValueError(f'rows must be ({NUM_SURFACES}, D), got {rows.shape}')
    energy = np.square(rows).sum()
    if energy == 0:
        raise ValueError('rows are all zero')
    own = rows - rows.mean(0)
    shares = np.square(np.linalg.svd(own, compute_uv=False))
    alike = shares.sum() < 1e-20 * energy  # nothing but rounding
    shares = shares[shares > 0] / shares.sum() if not alike else np.zeros(0)
    with np.errstate(invalid='ignore'):  # a row without anything of its own has no cosines
        cosines = cosine(own, own)
    pairs = {relation: [] for relation in RELATIONS}
    for a, b in combinations(SURFACES, 2):
        value = cosines[a.index - 1, b.index - 1]
        if not alike and not np.isnan(value):
            pairs[relation_of(a, b)].append(value)
    return Likeness(
        common=float(1 - np.square(own).sum() / energy),
        rank=0. if alike else float(np.exp(-(shares * np.log(shares)).sum())),
        cosines={relation: float(np.mean(values)) if values else float('nan')
                 for relation, values in pairs.items()})


def relation_of(a: Surface, b: Surface) -> str:
    """Name how two surfaces are related, one of :data:`RELATIONS`."""
    if a.part == b.part and a.noun != 'head':  # the halves of the head are left and right
        return 'front and back'
    if a.twin == b.index:
        return 'left and right'
    if (a.noun, a.side, a.face) == (b.noun, b.side, b.face):
        return 'upper and lower'
    return 'others'
