"""What the paper says, and whether the runs bear it out."""
import math
from collections.abc import Iterable
from dataclasses import dataclass

from open_body_runs.results import GAP, Results
from open_body_runs.statistics import Spread, chance
from open_body_runs.tables import markdown, plus_minus


@dataclass(frozen=True)
class Claim:
    """That one row is better than another.

    Attributes:
        text: what is said.
        tested: between which networks.
        without: name of the row that is said to be worse.
        with_: name of the row that is said to be better.
        paper: gain that the paper reports, in percent points of GPS AP, and its table; a dash
            where it gives none.
        figure: that is said to be higher.
        beyond: rows without and with, whose gain is said to be smaller than this one's; None if
            the gain is said to be above 0.
    """

    text: str
    tested: str
    without: str
    with_: str
    paper: str = '-'
    figure: str = 'GPS/AP'
    beyond: tuple[str, str] | None = None

    def gain(self, results: Results) -> Spread:
        """Summarise by how much it is true, over the seeds that all rows have."""
        if self.beyond is None:
            return results.paired(self.without, self.with_, self.figure)
        return results.paired_gains(self.beyond, (self.without, self.with_), self.figure)


_RARE = 'KTM helps the rare surfaces more than the frequent ones'
_FEW = 'KTM helps more where labels are few'
CLAIMS = (
    Claim('MID helps', 'baseline', 'baseline', 'mid', '+2.2 (IX)'),
    Claim('Added points help', 'MID', 'mid', 'mid-interp', '+1.3 (IX)'),
    Claim('KTM helps', 'MID + Aug', 'mid-interp', 'ktn-interp', '+2.8 (IX)'),
    Claim('KTM helps', 'MID', 'mid', 'ktn'),
    Claim('KTM helps', 'baseline', 'baseline', 'ktm'),
    Claim(_RARE, 'MID + Aug', 'mid-interp', 'ktn-interp', figure=GAP),
    Claim(_RARE, 'MID', 'mid', 'ktn', figure=GAP),
    Claim(_RARE, 'baseline', 'baseline', 'ktm', figure=GAP),
    Claim(_FEW, 'MID + Aug, 25 % of the points', 'mid-interp-points25', 'ktn-interp-points25',
          beyond=('mid-interp', 'ktn-interp')),
    Claim(_FEW, 'MID + Aug, 10 % of the points', 'mid-interp-points10', 'ktn-interp-points10',
          beyond=('mid-interp', 'ktn-interp')),
    Claim(_FEW, 'MID, 10 % of the points', 'mid-points10', 'ktn-points10',
          beyond=('mid', 'ktn')),
    Claim('The semantic graph is better than the average', 'MID + Aug', 'ktn-average',
          'ktn-interp', '+4.7 (VI)'),
    Claim('The transformer helps', 'MID + Aug', 'ktn-no-transform', 'ktn-interp', '+0.8 (VI)'),
    Claim('Instance strengthening helps', 'MID + Aug + KTM', 'ktn-no-is', 'ktn-interp',
          '+0.4 (II)'),
    Claim('The gate helps (ours)', 'MID + Aug + KTM', 'ktn-interp', 'ktn-gate'),
    Claim('MID, added points and KTM help together', 'baseline, ResNet-18 from scratch',
          'baseline-res18', 'ktn-interp-res18'))
"""The order is that of the page."""
ABOUT_KTM = tuple(claim for claim in CLAIMS if 'KTM helps' in claim.text)
"""Those of the README."""
LEVEL = .05
"""What is less likely by chance counts as seen."""


def verdict(gain: Spread) -> str:
    """Return what a gain says of a claim: holds, not seen, the opposite, open or not run."""
    if not gain.n:
        return 'not run'
    if gain.n < 2:
        return 'open'
    if chance(gain) < LEVEL:
        return '**holds**' if gain.mean > 0 else '**the opposite**'
    return 'not seen'


def _p(gain: Spread) -> str:
    """Write a p-value: two digits, three where two would hide on which side of the level it is."""
    p = chance(gain)
    if math.isnan(p):
        return '-'
    digits = 2 if (round(p, 2) < LEVEL) == (p < LEVEL) else 3
    return f'{p:.{digits}f}' if p >= .005 else '< 0.005'


def claim_table(results: Results, claims: Iterable[Claim] = CLAIMS) -> str:
    """Write a line for every claim."""
    lines = []
    for claim in claims:
        gain = claim.gain(results)
        lines.append([claim.text, claim.tested, claim.paper, str(gain.n),
                      plus_minus(gain, signed=True), _p(gain), verdict(gain)])
    return markdown(['claim', 'on', 'paper', 'pairs', 'here', 'p', ''], lines)
