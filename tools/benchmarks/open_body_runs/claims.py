"""What the paper says, and whether the runs bear it out."""
import math
from dataclasses import dataclass

from open_body_runs.results import GAP, VALIDATION, Results
from open_body_runs.statistics import (
    LEVEL,
    Spread,
    chance,
    changes,
    holm,
    interval,
    pooled_chances,
    spread,
)
from open_body_runs.tables import markdown, plus_minus


@dataclass(frozen=True)
class Claim:
    """That one row is better than another.

    Attributes:
        text: what is said.
        tested: between which networks.
        without: name of the row that is said to be worse.
        with_: name of the row that is said to be better.
        adds: what it has that the worse one has not.
        paper: gain of GPS AP that the paper reports, in percent points; None if it gives none.
        table: of the paper, where it does.
        elsewhere: whether the paper's network is of another kind, or has other parts than what
            is named in ``tested``.
        figure: that is said to be higher.
        beyond: rows without and with, whose gain is said to be smaller than this one's; None if
            the gain is said to be above 0.
        planned: whether it was to be tested before there were results of it.
    """

    text: str
    tested: str
    without: str
    with_: str
    adds: str
    paper: float | None = None
    table: str = ''
    elsewhere: bool = False
    figure: str = 'GPS/AP'
    beyond: tuple[str, str] | None = None
    planned: bool = True

    @property
    def title(self) -> str:
        """The text, with a mark if it was not planned."""
        return self.text + self.mark

    @property
    def mark(self) -> str:
        """What is put behind a claim that was not planned."""
        return '' if self.planned else ' †'

    @property
    def of_gps(self) -> bool:
        """Whether it says that GPS AP rises, and no more."""
        return self.figure == 'GPS/AP' and self.beyond is None

    def gain(self, results: Results, before: str = '') -> Spread:
        """Summarise by how much it is true, over the seeds that all rows have.

        With ``beyond``, the gain minus the gain of those rows.

        Args:
            results: that count.
            before: what to put before the name of the figure, as
                :data:`open_body_runs.results.VALIDATION`.
        """
        figure = before + self.figure
        own = results.gains(self.without, self.with_, figure)
        if self.beyond is not None:
            own = changes(results.gains(*self.beyond, figure), own)
        return spread(own.values())


KTM_HELPS = 'KTM helps'
RARE_SURFACES = 'KTM helps the rare surfaces more than the frequent ones'
FEW_LABELS = 'KTM helps more where labels are few'
CLAIMS = (
    Claim('MID helps', 'baseline', 'baseline', 'mid', 'MID', 2.2, 'IX'),
    Claim('Added points help', 'MID', 'mid', 'mid-interp', 'Aug', 1.3, 'IX'),
    Claim(KTM_HELPS, 'MID + Aug', 'mid-interp', 'ktn-interp', 'KTM', 2.8, 'IX'),
    Claim(KTM_HELPS, 'MID', 'mid', 'ktn', 'KTM', 3.9, 'I', elsewhere=True, planned=False),
    Claim(KTM_HELPS, 'baseline', 'baseline', 'ktm', 'KTM', 4.6, 'I', elsewhere=True),
    Claim(KTM_HELPS, 'MID + Aug, 25 % of the points', 'mid-interp-points25',
          'ktn-interp-points25', 'KTM', planned=False),
    Claim(KTM_HELPS, 'MID + Aug, 10 % of the points', 'mid-interp-points10',
          'ktn-interp-points10', 'KTM', planned=False),
    Claim(KTM_HELPS, 'MID, 10 % of the points', 'mid-points10', 'ktn-points10', 'KTM',
          planned=False),
    Claim(RARE_SURFACES, 'MID + Aug', 'mid-interp', 'ktn-interp', 'KTM', figure=GAP),
    Claim(RARE_SURFACES, 'MID', 'mid', 'ktn', 'KTM', figure=GAP, planned=False),
    Claim(RARE_SURFACES, 'baseline', 'baseline', 'ktm', 'KTM', figure=GAP),
    Claim(FEW_LABELS, 'MID + Aug, 25 % of the points', 'mid-interp-points25',
          'ktn-interp-points25', 'KTM', beyond=('mid-interp', 'ktn-interp')),
    Claim(FEW_LABELS, 'MID + Aug, 10 % of the points', 'mid-interp-points10',
          'ktn-interp-points10', 'KTM', beyond=('mid-interp', 'ktn-interp')),
    Claim(FEW_LABELS, 'MID, 10 % of the points', 'mid-points10', 'ktn-points10',
          'KTM', beyond=('mid', 'ktn'), planned=False),
    Claim('The semantic graph is better than the average', 'MID + Aug + KTM', 'ktn-average',
          'ktn-interp', 'semantic graph, not average', 4.7, 'VI', elsewhere=True),
    Claim('The transformer helps', 'MID + Aug + KTM', 'ktn-no-transform', 'ktn-interp',
          'transformer', 0.8, 'VI', elsewhere=True),
    Claim('Instance strengthening helps', 'MID + Aug + KTM', 'ktn-no-is', 'ktn-interp',
          'instance strengthening', 0.4, 'II', elsewhere=True),
    Claim('The gate helps (ours)', 'MID + Aug + KTM', 'ktn-interp', 'ktn-gate',
          'gate (ours)'),
    Claim('MID, added points and KTM help together', 'baseline, ResNet-18 from scratch',
          'baseline-res18', 'ktn-interp-res18', 'MID, Aug, KTM'))
"""The order is that of the page."""
ADDING_KTM = tuple(claim for claim in CLAIMS if claim.text == KTM_HELPS)
"""What KTM was added to, a claim each."""


def verdict(gain: Spread, corrected: float) -> str:
    """Return what a gain says of a claim: not run, open, not seen, (the opposite) seen or holds.

    Args:
        gain: over the pairs.
        corrected: p-value, corrected for the number of claims.
    """
    if not gain.n:
        return 'not run'
    if gain.n < 2:
        return 'open'
    if not chance(gain) < LEVEL:
        return 'not seen'
    if corrected < LEVEL:
        return '**holds**' if gain.mean > 0 else '**the opposite holds**'
    return 'seen' if gain.mean > 0 else 'the opposite seen'


def verdicts(results: Results) -> dict[Claim, tuple[Spread, float, str]]:
    """Return, for every claim, its gain, its corrected p-value, and what these say."""
    gains = [claim.gain(results) for claim in CLAIMS]
    corrected = holm([chance(gain) for gain in gains])
    return {claim: (gain, p, verdict(gain, p))
            for claim, gain, p in zip(CLAIMS, gains, corrected, strict=True)}


def claim_table(results: Results) -> str:
    """Write a line for every claim."""
    lines = [[claim.title, claim.tested, paper_text(claim), str(gain.n),
              plus_minus(gain, signed=True, digits=2), range_of(gain), p_text(chance(gain)),
              p_text(corrected), said,
              plus_minus(claim.gain(results, VALIDATION), signed=True, digits=2)]
             for claim, (gain, corrected, said) in verdicts(results).items()]
    return markdown(['claim', 'on', 'paper', 'pairs', 'here', '95 %', 'p', 'p of all', '',
                     'validation'], lines)


def below_level_sentence(results: Results) -> str:
    """Say how many tests fall below the level, and how many by chance; nothing of no test."""
    tested = [gain for gain, _, _ in verdicts(results).values() if not math.isnan(chance(gain))]
    if not tested:
        return ''
    below = [gain for gain in tested if chance(gain) < LEVEL]
    up = sum(gain.mean > 0 for gain in below)
    return (f'Of the {len(tested)} tests {len(below)} fall below {LEVEL} ({up} for the claim, '
            f'{len(below) - up} against it); {LEVEL * len(tested):.1f} would by chance.')


def pooled_verdicts(results: Results) -> tuple[float, dict[Claim, float]]:
    """Judge the lines that KTM helps with one standard deviation.

    Returns:
        That deviation, and the p-value of every line, not corrected; NaN and nothing if fewer than
        two lines have pairs, or all deviations are 0.
    """
    gains = {claim: gain for claim in ADDING_KTM if (gain := claim.gain(results)).n > 1}
    if len(gains) < 2 or not any(gain.std for gain in gains.values()):
        return math.nan, {}
    std, found = pooled_chances(list(gains.values()))
    return std, dict(zip(gains, found, strict=True))


def pooled_sentence(results: Results) -> str:
    """Say what :func:`pooled_verdicts` finds; nothing of nothing."""
    std, found = pooled_verdicts(results)
    if not found:
        return ''
    deviations = [claim.gain(results).std for claim in found]
    low, high = (100 * end(deviations) for end in (min, max))
    smallest = min(found, key=found.get)
    return (f'How much hangs on that: the deviations of the {len(found)} lines of *{KTM_HELPS}* '
            f'run from {low:.2f} to {high:.2f}; were they one, {100 * std:.2f}, p would be '
            + '; '.join(f'{p:.4f} on {claim.tested}'
                        for claim, p in found.items())
            + f'. The smallest, on {smallest.tested}, times {len(CLAIMS)} is '
            f'{len(CLAIMS) * found[smallest]:.3f}. This was not planned. ')


def paper_text(claim: Claim) -> str:
    """Write what the paper gains, and in which table; a dash if it gives nothing."""
    return '-' if claim.paper is None else f'{claim.paper:+.1f} ({claim.table})'


def range_of(gain: Spread) -> str:
    """Write the interval of a mean gain in percent points, a dash where there is none."""
    low, high = interval(gain)
    return '-' if math.isnan(low) else f'{100 * low:+.2f} to {100 * high:+.2f}'


def p_text(p: float) -> str:
    """Write a p-value with as many digits as tell on which side of the level it is."""
    if math.isnan(p):
        return '-'
    if p < .005:
        return '< 0.005'
    digits = 2
    while p != LEVEL and round(p, digits) == LEVEL:
        digits += 1
    return f'{p:.{digits}f}'
