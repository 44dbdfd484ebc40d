"""Means over seeds, and differences paired by seed."""
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Spread(NamedTuple):
    """Of n numbers.

    Attributes:
        mean: of them, NaN if there are none.
        std: standard deviation of the sample (n - 1), NaN of fewer than two.
        n: how many.
        above: how many are above 0.
    """

    mean: float
    std: float
    n: int
    above: int


def spread(values: Iterable[float]) -> Spread:
    """Summarise numbers; NaN is left out."""
    kept = [float(v) for v in values if not math.isnan(v)]
    n = len(kept)
    mean = math.fsum(kept) / n if n else math.nan
    std = math.sqrt(math.fsum((v - mean) ** 2 for v in kept) / (n - 1)) if n > 1 else math.nan
    return Spread(mean, std, n, sum(v > 0 for v in kept))


def paired(before: Mapping[int, float], after: Mapping[int, float]) -> Spread:
    """Summarise after - before over the seeds that both have.

    Args:
        before: seed -> value.
        after: seed -> value.
    """
    return spread(after[seed] - before[seed] for seed in sorted(before.keys() & after.keys()))


def halves(points: list[int]) -> tuple[list[int], list[int]]:
    """Split surfaces into the rarer and the more frequent half.

    Args:
        points: of each surface; of equals the first is the rarer one.

    Returns:
        Two lists of positions in ``points``, each from rare to frequent.
    """
    order = sorted(range(len(points)), key=lambda k: (points[k], k))
    middle = len(points) // 2
    return order[:middle], order[middle:]
