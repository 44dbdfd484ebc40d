"""The answer to the question, given only while the runs say it."""
from pathlib import Path
from string import Template

from open_body_runs.claims import CLAIMS, Claim, verdicts
from open_body_runs.results import VALIDATION, Results
from open_body_runs.statistics import Spread, deviations_to_hold
from open_body_runs.tables import plus_minus

_TEXT = Path(__file__).with_name('answer.md')
_SAID = {'mid_gain': ('baseline', 'mid', ('seen', )),
         'aug': ('mid', 'mid-interp', ('not seen', )),
         'is': ('ktn-no-is', 'ktn-interp', ('not seen', )),
         'with_aug': ('mid-interp', 'ktn-interp', ('not seen', )),
         'on_mid': ('mid', 'ktn', ('seen', )),
         'alone': ('baseline', 'ktm', ('not seen', 'seen')),
         'with_few': ('mid-points10', 'ktn-points10', ('not seen', 'the opposite seen')),
         'with_few_and_aug': ('mid-interp-points10', 'ktn-interp-points10',
                              ('not seen', 'the opposite seen'))}
"""Placeholder of answer.md -> rows of a gain of GPS AP, and what may be seen of it there."""
_PAIRS = 3
"""How many seeds answer.md speaks of."""


def contradictions(results: Results) -> list[str]:
    """Return where the runs say something else than answer.md, a line each."""
    found, gains = [], {}
    judged = verdicts(results)
    for name, (claim, allowed) in _claims().items():
        gains[name], _, said = judged[claim]
        if said not in allowed:
            found.append(f'"{claim.text}" on {claim.tested} is {said}, answer.md has '
                         + ' or '.join(allowed))
    found += [f'"{claim.text}" on {claim.tested} holds' for claim, (_, _, said) in judged.items()
              if 'holds' in said]
    if found:
        return found
    found += [f'{name} has {gain.n} pairs, answer.md {_PAIRS}' for name, gain in gains.items()
              if gain.n != _PAIRS]
    if 0 not in results.runs['ktn-interp']:
        found.append('ktn-interp has no seed 0')
    largest = max(gains, key=lambda name: gains[name].mean)
    if largest != 'mid_gain':
        found.append(f'the gain of MID is not the largest, but {largest}')
    found += [f'{name} gains something' for name in ('aug', 'is') if gains[name].mean > 0]
    on_mid, _ = _claims()['on_mid']
    if any(gain.above < _PAIRS for gain in (gains['on_mid'], on_mid.gain(results, VALIDATION))):
        found.append('KTM does not gain in every seed with MID alone')
    return found


def answer(results: Results) -> str:
    """Answer in two paragraphs; nothing if there are :func:`contradictions`."""
    if contradictions(results):
        return ''
    first = results.values('ktn-interp', 'GPS/AP')[0]
    filled = dict(far=f'{deviations_to_hold(len(CLAIMS), _PAIRS):.1f}',
                  whole_first=f'{100 * first:.1f}')
    for name, (claim, _) in _claims().items():
        filled |= {name: _signed(claim.gain(results)),
                   f'{name}_val': _signed(claim.gain(results, VALIDATION))}
        if claim.paper is not None:
            filled[f'{name}_paper'] = f'{claim.paper:+.1f}'
    return Template(_TEXT.read_text(encoding='utf-8')).substitute(filled) + '\n'


def _signed(gain: Spread) -> str:
    return plus_minus(gain, signed=True)


def _claims() -> dict[str, tuple[Claim, tuple[str, ...]]]:
    known = {(claim.without, claim.with_): claim for claim in CLAIMS
             if claim.figure == 'GPS/AP' and claim.beyond is None}
    return {name: (known[tuple(rows)], allowed) for name, (*rows, allowed) in _SAID.items()}
