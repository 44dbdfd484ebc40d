"""The answer to the question, given only while the runs say it."""
from pathlib import Path
from string import Template

import yaml

from open_body_runs.claims import (
    ADDING_KTM,
    CLAIMS,
    FEW_LABELS,
    KTM_HELPS,
    RARE_SURFACES,
    Claim,
    paper_text,
    pooled_verdicts,
    verdicts,
)
from open_body_runs.results import VALIDATION, Results
from open_body_runs.statistics import LEVEL, Spread, spread
from open_body_runs.tables import markdown, plus_minus, present

_TEXT = Path(__file__).with_name('answer.md')
_KNOWN = {(claim.text, claim.tested): claim for claim in CLAIMS}
_MID = _KNOWN['MID helps', 'baseline']
_RESNET = _KNOWN['MID, added points and KTM help together', 'baseline, ResNet-18 from scratch']
_GAINED = {'mid_gain': _MID, 'resnet': _RESNET,
           'transformer': _KNOWN['The transformer helps', 'MID + Aug + KTM']}
_NOT_GAINED = {'aug': _KNOWN['Added points help', 'MID'],
               'is': _KNOWN['Instance strengthening helps', 'MID + Aug + KTM']}
_RARER = {'rare_base': _KNOWN[RARE_SURFACES, 'baseline'], 'rare_mid': _KNOWN[RARE_SURFACES, 'MID'],
          'rare_aug': _KNOWN[RARE_SURFACES, 'MID + Aug']}
_FEWER = {'few_mid': _KNOWN[FEW_LABELS, 'MID, 10 % of the points'],
          'few_25': _KNOWN[FEW_LABELS, 'MID + Aug, 25 % of the points'],
          'few_10': _KNOWN[FEW_LABELS, 'MID + Aug, 10 % of the points']}
"""Placeholder of answer.md -> whose gain it is; with ``_val`` behind, on the validation set."""
_PASSES = _KNOWN[KTM_HELPS, 'MID']
"""What would hold if all lines of KTM had one deviation."""
_BEST = 'ktn'
"""Row that answer.md calls the best of the main table."""
_LESS_THAN = .01
"""As answer.md says of what KTM moves, in GPS AP."""
_METAFILE = Path(__file__).resolve().parents[3] / 'weights' / 'metafile.yml'
_LONGER = 'ktn_mobilenetv2_interp-restart-1xb16-12e_open-body-v1-128x96'
_PAIRS = 3
"""How many seeds answer.md speaks of."""
_VALIDATED = 2
"""How many pairs of ResNet-18 have a last validation, as answer.md says."""
_SETS = {'': '', VALIDATION: ' on the validation set'}
"""What stands before the name of a figure -> how the set is called."""


def contradictions(results: Results) -> list[str]:
    """Return where the runs say something else than answer.md, a line each."""
    told = [*ADDING_KTM, *_GAINED.values(), *_NOT_GAINED.values(), *_RARER.values(),
            *_FEWER.values()]
    found = []
    for before, where in _SETS.items():
        for claim in told:
            if before and claim in _RARER.values():  # validation does not tell surfaces apart
                continue
            wanted = _VALIDATED if before and claim is _RESNET else _PAIRS
            if (pairs := claim.gain(results, before).n) != wanted:
                found.append(f'{_name(claim)} has {pairs} pairs{where}, answer.md {wanted}')
    if found:
        return found
    found = [f'{_name(claim)} holds' for claim, (_, _, said) in verdicts(results).items()
             if 'holds' in said]
    _, pooled = pooled_verdicts(results)
    if {c for c, p in pooled.items() if len(CLAIMS) * p < LEVEL} != {_PASSES}:
        found.append(f'{_name(_PASSES)} is not what holds with one deviation for all')
    found += [f'{_name(claim)} gains nothing' for claim in _RARER.values()
              if not claim.gain(results).mean > 0]
    for before, where in _SETS.items():
        found += [said + where for said in _contradictions_of(results, before)]
    if not longer_trained() - _ten_epochs(results) > max(_steps(results).values()):
        found.append('longer training does not gain more than any step')
    return found


def _contradictions_of(results: Results, before: str) -> list[str]:
    """Return where one set says something else.

    Args:
        results: that count.
        before: what stands before the names of its figures.
    """
    def gain(claim: Claim) -> Spread:
        return claim.gain(results, before)

    ktm = {claim: gain(claim).mean for claim in ADDING_KTM}
    found = [f'{_name(claim)} is {100 * mean:+.1f}' for claim, mean in ktm.items()
             if not abs(mean) < _LESS_THAN]
    if not min(ktm.values()) < 0 < max(ktm.values()):
        found.append('KTM does not go up here and down there')
    found += [f'{_name(claim)} does not gain in every seed' for claim in _GAINED.values()
              if gain(claim).above < gain(claim).n]
    found += [f'{_name(claim)} gains something' for claim in _NOT_GAINED.values()
              if gain(claim).mean > 0]
    found += [f'{_name(claim)} gains something' for claim in _FEWER.values()
              if not gain(claim).mean < 0]
    steps = _steps(results, before)
    largest = max(steps, key=steps.get)
    if largest is not _MID:
        found.append(f'the largest gain is that of {_name(largest)}')
    if not 0 < _together(results, before).mean < gain(_MID).mean:
        found.append('MID does not gain more than MID, Aug and KTM together')
    rows = {row.name: results.spread(row.name, f'{before}GPS/AP').mean
            for row in present(results, 'main')}
    if max(rows, key=rows.get) != _BEST:
        found.append(f'the best row is {max(rows, key=rows.get)}')
    return found


def _steps(results: Results, before: str = '') -> dict[Claim, float]:
    """Return the mean gain of GPS AP of every single step that has been run."""
    return {claim: gain.mean for claim in CLAIMS
            if claim.of_gps and claim is not _RESNET and (gain := claim.gain(results, before)).n}


def _together(results: Results, before: str = '') -> Spread:
    """Summarise what MID, Aug and KTM gain on MobileNetV2, as :data:`_RESNET` on ResNet-18."""
    return spread(results.gains('baseline', 'ktn-interp', f'{before}GPS/AP').values())


def longer_trained() -> float:
    """Return the GPS AP, in [0, 1], of the shipped network that went on from ktn-interp, seed 0.
    """
    models = yaml.safe_load(_METAFILE.read_text(encoding='utf-8'))['Models']
    shipped, = (model for model in models if model['Name'] == _LONGER)
    return shipped['Results'][0]['Metrics']['GPS AP'] / 100


def answer(results: Results) -> str:
    """Answer in a table and some lines; nothing if there are :func:`contradictions`."""
    if contradictions(results):
        return ''
    filled = dict(table=_table(results), pairs=_PAIRS, longer=f'{100 * longer_trained():.1f}',
                  ten_epochs=f'{100 * _ten_epochs(results):.1f}')
    for name, claim in {**_GAINED, **_NOT_GAINED, **_RARER, **_FEWER}.items():
        filled |= {name: _signed(claim.gain(results)),
                   f'{name}_val': _signed(claim.gain(results, VALIDATION))}
    low, high = (f'{100 * results.spread(row, "GPS/AP").mean:.1f}'
                 for row in (_RESNET.without, _RESNET.with_))
    filled |= dict(validated=_VALIDATED, low=low, high=high, together=_signed(_together(results)))
    return Template(_TEXT.read_text(encoding='utf-8')).substitute(filled) + '\n'


def _table(results: Results) -> str:
    """Write a line for everything that KTM was added to."""
    lines = []
    for claim in ADDING_KTM:
        test, validation = (claim.gain(results, before) for before in _SETS)
        lines.append([f'{claim.tested}{claim.mark}', _signed(test), f'{test.above} of {test.n}',
                      _signed(validation), f'{validation.above} of {validation.n}',
                      paper_text(claim)])
    return markdown(['KTM added to', 'GPS AP, test set', 'up', 'validation set', 'up',
                     'the paper (table)'], lines)


def _ten_epochs(results: Results) -> float:
    """Return the GPS AP of ktn-interp, seed 0."""
    return results.values('ktn-interp', 'GPS/AP')[0]


def _signed(gain: Spread) -> str:
    return plus_minus(gain, signed=True)


def _name(claim: Claim) -> str:
    return f'"{claim.text}" on {claim.tested}'
