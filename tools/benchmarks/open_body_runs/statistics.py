"""Means over seeds, and differences paired by seed."""
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from scipy.stats import t as student

LEVEL = .05
"""What is less likely by chance counts as seen."""


class Spread(NamedTuple):
    """Of n numbers.

    Attributes:
        mean: of them, NaN if there are none.
        std: standard deviation of the sample (n - 1), NaN of fewer than two.
        n: how many.
        above, below: how many are above 0, and below.
    """

    mean: float
    std: float
    n: int
    above: int
    below: int


def spread(values: Iterable[float]) -> Spread:
    """Summarise numbers; NaN is left out."""
    kept = [float(v) for v in values if not math.isnan(v)]
    n = len(kept)
    mean = math.fsum(kept) / n if n else math.nan
    std = math.sqrt(math.fsum((v - mean) ** 2 for v in kept) / (n - 1)) if n > 1 else math.nan
    return Spread(mean, std, n, sum(v > 0 for v in kept), sum(v < 0 for v in kept))


def changes(before: Mapping[int, float], after: Mapping[int, float]) -> dict[int, float]:
    """Return seed -> after - before, of the seeds that both have."""
    return {seed: after[seed] - before[seed] for seed in sorted(before.keys() & after.keys())}


def chance(differences: Spread) -> float:
    """Return the p-value of a mean difference: of a two-sided t-test against 0, in [0, 1].

    Args:
        differences: of pairs; NaN of fewer than two, and of pairs that are all 0.
    """
    if differences.n < 2:
        return math.nan
    if not differences.std:
        return 0. if differences.mean else math.nan
    t = abs(differences.mean) / differences.std * math.sqrt(differences.n)
    return float(2 * student.sf(t, differences.n - 1))


def pooled_chances(groups: Sequence[Spread]) -> tuple[float, list[float]]:
    """Test means as :func:`chance` does, with one standard deviation for all groups.

    Args:
        groups: of at least two differences each, not all equal.

    Returns:
        The standard deviation, pooled over the groups, and the p-values.
    """
    freedom = sum(group.n - 1 for group in groups)
    std = math.sqrt(math.fsum((group.n - 1) * group.std ** 2 for group in groups) / freedom)
    return std, [float(2 * student.sf(abs(group.mean) / std * math.sqrt(group.n), freedom))
                 for group in groups]


def interval(differences: Spread) -> tuple[float, float]:
    """Return the interval that holds the true mean difference at 1 - LEVEL, by the t-test.

    Args:
        differences: of pairs; the ends are NaN of fewer than two.
    """
    if differences.n < 2:
        return math.nan, math.nan
    half = (float(student.ppf(1 - LEVEL / 2, differences.n - 1)) * differences.std
            / math.sqrt(differences.n))
    return differences.mean - half, differences.mean + half


def holm(chances: Sequence[float]) -> list[float]:
    """Correct p-values for their number.

    S. Holm, A simple sequentially rejective multiple test procedure, 1979: the smallest of m is
    multiplied by m, the next by m - 1, and so on; none may be smaller than the one before.

    Args:
        chances: p-values; NaN for a test that has not been made. It counts all the same, so that
            what holds while tests are missing does not cease to when they are made.

    Returns:
        The corrected ones, in the same order, in [0, 1]; NaN where there was none.
    """
    corrected, largest = [math.nan] * len(chances), 0.
    order = sorted((k for k, p in enumerate(chances) if not math.isnan(p)),
                   key=lambda k: chances[k])
    for rank, k in enumerate(order):
        largest = max(largest, min(1., (len(chances) - rank) * chances[k]))
        corrected[k] = largest
    return corrected


def deviations_to_hold(tests: int, pairs: int) -> float:
    """Return how many standard deviations from 0 a mean must be to be the first of tests to hold.

    That is where :func:`holm` brings its p-value, the smallest one, to LEVEL.

    Args:
        tests: their number.
        pairs: behind the mean, at least 2.
    """
    return float(student.ppf(1 - LEVEL / tests / 2, pairs - 1)) / math.sqrt(pairs)


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
