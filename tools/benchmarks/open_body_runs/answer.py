"""The answer to the question, given only while the runs say it."""
from pathlib import Path
from string import Template

import yaml

from open_body_runs.claims import CLAIMS, KTM_HELPS, Claim, verdicts
from open_body_runs.results import VALIDATION, Results
from open_body_runs.statistics import interval
from open_body_runs.tables import plus_minus

_TEXT = Path(__file__).with_name('answer.md')
_KNOWN = {(claim.text, claim.tested): claim for claim in CLAIMS}
_KTM = [claim for claim in CLAIMS if claim.text == KTM_HELPS]
_ON_MID = _KNOWN[KTM_HELPS, 'MID']
_WITH_QUARTER = _KNOWN[KTM_HELPS, 'MID + Aug, 25 % of the points']
_WITH_TENTH = [claim for claim in _KTM if '10 %' in claim.tested]
_MID = _KNOWN['MID helps', 'baseline']
_NOTHING = {'aug': _KNOWN['Added points help', 'MID'],
            'is': _KNOWN['Instance strengthening helps', 'MID + Aug + KTM']}
"""Placeholder of answer.md -> what gained nothing."""
_FIGURES = {'on_mid': _ON_MID, 'with_quarter': _WITH_QUARTER, 'mid_gain': _MID, **_NOTHING}
"""Placeholder of answer.md -> whose gain it is; with ``_val`` behind, on the validation set."""
_METAFILE = Path(__file__).resolve().parents[3] / 'weights' / 'metafile.yml'
_LONGER = 'ktn_mobilenetv2_interp-restart-1xb16-12e_open-body-v1-128x96'
_PAIRS = 3
"""How many seeds answer.md speaks of."""


def contradictions(results: Results) -> list[str]:
    """Return where the runs say something else than answer.md, a line each."""
    gains = {claim: (claim.gain(results), claim.gain(results, VALIDATION))
             for claim in [*_KTM, _MID, *_NOTHING.values()]}
    found = [f'{_name(claim)} has {gain.n} pairs{where}, answer.md {_PAIRS}'
             for claim, both in gains.items()
             for gain, where in zip(both, ('', ' on the validation set'), strict=True)
             if gain.n != _PAIRS]
    if found:
        return found
    found = [f'{_name(claim)} holds' for claim, (_, _, said) in verdicts(results).items()
             if 'holds' in said]
    for claim in _KTM:
        if claim.paper is not None and 100 * interval(gains[claim][0])[1] >= claim.paper:
            found.append(f'the interval of {_name(claim)} does not leave out what the paper has')
        up, down = ({getattr(gain, side) for gain in gains[claim]} == {_PAIRS}
                    for side in ('above', 'below'))
        if up != (claim is _ON_MID):
            found.append(f'{_name(claim)}: gains in every seed on both sets is {up}')
        if down != (claim is _WITH_QUARTER):
            found.append(f'{_name(claim)}: loses in every seed on both sets is {down}')
        if claim in _WITH_TENTH and gains[claim][0].above:
            found.append(f'{_name(claim)}: gains in {gains[claim][0].above} seeds')
    if any(gain.above < _PAIRS for gain in gains[_MID]):
        found.append('MID does not gain in every seed')
    found += [f'{_name(claim)}: gains something' for claim in _NOTHING.values()
              if gains[claim][0].mean > 0]
    return found + _not_largest(results)


def _not_largest(results: Results) -> list[str]:
    """Return which of the things that answer.md calls the largest are not."""
    means = {claim: gain.mean for claim in CLAIMS if claim.of_gps
             and (gain := claim.gain(results)).n}
    largest = max(means, key=means.get)
    found = [] if largest is _MID else [
        f'the gain of MID is not the largest, but that of {_name(largest)}']
    if not longer_trained() - results.values('ktn-interp', 'GPS/AP').get(0, 1) > means[largest]:
        found.append('longer training does not gain more than any step')
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
    ktm = [claim.gain(results) for claim in _KTM]
    paper = [f'{claim.paper:+.1f} on {"the " * (claim.tested == "baseline")}{claim.tested}'
             for claim in _KTM if claim.paper is not None]
    filled = dict(
        settings=len(ktm), pairs=_PAIRS, least=f'{100 * min(gain.mean for gain in ktm):+.1f}',
        most=f'{100 * max(gain.mean for gain in ktm):+.1f}', all=_PAIRS * len(ktm),
        up=sum(gain.above for gain in ktm), down=sum(gain.below for gain in ktm),
        paper=', '.join(paper), few_pairs=_PAIRS * len(_WITH_TENTH),
        ten_epochs=f'{100 * results.values("ktn-interp", "GPS/AP")[0]:.1f}',
        longer=f'{100 * longer_trained():.1f}')
    for name, claim in _FIGURES.items():
        filled |= {f'{name}{end}': plus_minus(claim.gain(results, before), signed=True)
                   for end, before in (('', ''), ('_val', VALIDATION))}
    return Template(_TEXT.read_text(encoding='utf-8')).substitute(filled) + '\n'


def _name(claim: Claim) -> str:
    return f'"{claim.text}" on {claim.tested}'
