"""The answer to the question, given only while the runs say it."""
import math
from collections.abc import Mapping
from pathlib import Path
from string import Template

import yaml

from open_body_runs.claims import CLAIMS, Claim, verdicts
from open_body_runs.results import VALIDATION, Results
from open_body_runs.statistics import Spread, chance, deviations_to_hold
from open_body_runs.tables import plus_minus

_TEXT = Path(__file__).with_name('answer.md')
_SAID = {'mid_gain': ('MID helps', 'baseline', ('seen', )),
         'aug': ('Added points help', 'MID', ('not seen', )),
         'is': ('Instance strengthening helps', 'MID + Aug + KTM', ('not seen', )),
         'with_aug': ('KTM helps', 'MID + Aug', ('not seen', )),
         'on_mid': ('KTM helps', 'MID', ('seen', )),
         'alone': ('KTM helps', 'baseline', ('not seen', 'seen')),
         'with_few': ('KTM helps', 'MID, 10 % of the points', ('not seen', 'the opposite seen')),
         'with_few_and_aug': ('KTM helps', 'MID + Aug, 10 % of the points',
                              ('not seen', 'the opposite seen')),
         'fewer': ('KTM helps more where labels are few', 'MID, 10 % of the points',
                   ('the opposite seen', ))}
"""Placeholder of answer.md -> text of a claim, what it is on, and what may be seen of it there."""
_METAFILE = Path(__file__).resolve().parents[3] / 'weights' / 'metafile.yml'
_LONGER = 'ktn_mobilenetv2_interp-restart-1xb16-12e_open-body-v1-128x96'
_PAIRS = 3
"""How many seeds answer.md speaks of."""


def contradictions(results: Results) -> list[str]:
    """Return where the runs say something else than answer.md, a line each."""
    judged, claims = verdicts(results), _claims()
    found = [f'"{claim.text}" on {claim.tested} is {judged[claim][2]}, answer.md has '
             + ' or '.join(allowed)
             for claim, allowed in claims.values() if judged[claim][2] not in allowed]
    found += [f'"{claim.text}" on {claim.tested} holds' for claim, (_, _, said) in judged.items()
              if 'holds' in said]
    if found:
        return found
    tested = {name: judged[claim][0] for name, (claim, _) in claims.items()}
    validated = {name: claim.gain(results, VALIDATION) for name, (claim, _) in claims.items()}
    found = [f'{name} has {gain.n} pairs{where}, answer.md {_PAIRS}'
             for where, gains in (('', tested), (' on the validation set', validated))
             for name, gain in gains.items() if gain.n != _PAIRS]
    found += _not_outstanding(results, judged)
    found += [f'{name} gains something' for name in ('aug', 'is') if tested[name].mean > 0]
    if any(gains['on_mid'].above < _PAIRS for gains in (tested, validated)):
        found.append('KTM does not gain in every seed with MID alone')
    if any(gains['fewer'].below < _PAIRS for gains in (tested, validated)):
        found.append('KTM does not gain less in every seed with few points and MID alone')
    fewer, _ = claims['fewer']
    return found + [f'"{claim.text}" on {claim.tested}, which was planned, is {said}'
                    for claim, (_, _, said) in judged.items()
                    if claim.text == fewer.text and claim.planned and said != 'not seen']


def _not_outstanding(results: Results, judged: Mapping[Claim, tuple]) -> list[str]:
    """Return which of the things that answer.md calls the largest or smallest are not."""
    found, claims = [], _claims()
    means = {claim: gain.mean for claim, (gain, _, _) in judged.items() if claim.of_gps and gain.n}
    largest = max(means, key=means.get)
    if largest is not claims['mid_gain'][0]:
        found.append(f'the gain of MID is not the largest, but that of "{largest.text}" on '
                     f'{largest.tested}')
    if not longer_trained() - results.values('ktn-interp', 'GPS/AP').get(0, 1) > means[largest]:
        found.append('longer training does not gain more than any step')
    fewer, _ = claims['fewer']
    chances = {claim: p for claim, (gain, _, _) in judged.items()
               if claim.adds == fewer.adds and not math.isnan(p := chance(gain))}
    smallest = min(chances, key=chances.get)
    if smallest is not fewer:
        found.append(f'the smallest p of adding {fewer.adds} is that of "{smallest.text}" on '
                     f'{smallest.tested}')
    return found


def longer_trained() -> float:
    """Return the GPS AP, in [0, 1], of the shipped network that went on from ktn-interp, seed 0.
    """
    models = yaml.safe_load(_METAFILE.read_text(encoding='utf-8'))['Models']
    shipped, = (model for model in models if model['Name'] == _LONGER)
    return shipped['Results'][0]['Metrics']['GPS AP'] / 100


def answer(results: Results) -> str:
    """Answer in two paragraphs; nothing if there are :func:`contradictions`."""
    if contradictions(results):
        return ''
    filled = dict(far=f'{deviations_to_hold(len(CLAIMS), _PAIRS):.1f}',
                  ten_epochs=f'{100 * results.values("ktn-interp", "GPS/AP")[0]:.1f}',
                  longer=f'{100 * longer_trained():.1f}')
    for name, (claim, _) in _claims().items():
        filled |= {name: _signed(claim.gain(results)),
                   f'{name}_val': _signed(claim.gain(results, VALIDATION))}
        if claim.paper is not None:
            filled[f'{name}_paper'] = f'{claim.paper:+.1f}'
    return Template(_TEXT.read_text(encoding='utf-8')).substitute(filled) + '\n'


def _signed(gain: Spread) -> str:
    return plus_minus(gain, signed=True)


def _claims() -> dict[str, tuple[Claim, tuple[str, ...]]]:
    known = {(claim.text, claim.tested): claim for claim in CLAIMS}
    return {name: (known[text, tested], allowed)
            for name, (text, tested, allowed) in _SAID.items()}
