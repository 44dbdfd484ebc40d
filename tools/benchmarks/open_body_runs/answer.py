"""The answer to the question, given only while the runs say it."""
from pathlib import Path
from string import Template

import yaml

from open_body_runs.claims import ADDING_KTM, CLAIMS, Claim, paper_text, verdicts
from open_body_runs.results import VALIDATION, Results
from open_body_runs.statistics import Spread
from open_body_runs.tables import markdown, plus_minus, present

_TEXT = Path(__file__).with_name('answer.md')
_KNOWN = {(claim.text, claim.tested): claim for claim in CLAIMS}
_MID = _KNOWN['MID helps', 'baseline']
_RESNET = _KNOWN['MID, added points and KTM help together', 'baseline, ResNet-18 from scratch']
_FIGURES = {'mid_gain': _MID, 'resnet': _RESNET, 'aug': _KNOWN['Added points help', 'MID'],
            'is': _KNOWN['Instance strengthening helps', 'MID + Aug + KTM']}
"""Placeholder of answer.md -> whose gain it is; with ``_val`` behind, on the validation set."""
_BEST = 'ktn'
"""Row that answer.md calls the best of the main table."""
_LESS_THAN = .01
"""As answer.md says of what KTM moves, in GPS AP."""
_METAFILE = Path(__file__).resolve().parents[3] / 'weights' / 'metafile.yml'
_LONGER = 'ktn_mobilenetv2_interp-restart-1xb16-12e_open-body-v1-128x96'
_PAIRS = 3
"""How many seeds answer.md speaks of."""
_SETS = {'': '', VALIDATION: ' on the validation set'}
"""What stands before the name of a figure -> how the set is called."""


def contradictions(results: Results) -> list[str]:
    """Return where the runs say something else than answer.md, a line each."""
    told = [*ADDING_KTM, *_FIGURES.values()]
    found = [f'{_name(claim)} has {gain.n} pairs{where}, answer.md {_PAIRS}'
             for before, where in _SETS.items() for claim in told
             if (gain := claim.gain(results, before)).n != _PAIRS
             and not (claim is _RESNET and before)]
    if found:
        return found
    found = [f'{_name(claim)} holds' for claim, (_, _, said) in verdicts(results).items()
             if 'holds' in said]
    for before, where in _SETS.items():
        ktm = {claim: claim.gain(results, before).mean for claim in ADDING_KTM}
        found += [f'{_name(claim)} is {100 * gain:+.1f}{where}' for claim, gain in ktm.items()
                  if not abs(gain) < _LESS_THAN]
        if not min(ktm.values()) < 0 < max(ktm.values()):
            found.append(f'KTM does not go up here and down there{where}')
        found += [f'{_name(claim)} does not gain in every seed{where}'
                  for claim in (_MID, _RESNET)
                  if (gain := claim.gain(results, before)).above < gain.n]
        found += [f'{_name(_FIGURES[name])} gains something{where}' for name in ('aug', 'is')
                  if _FIGURES[name].gain(results, before).mean > 0]
        gains = {claim: gain.mean for claim in CLAIMS
                 if claim.of_gps and claim is not _RESNET
                 and (gain := claim.gain(results, before)).n}
        largest = max(gains, key=gains.get)
        if largest is not _MID:
            found.append(f'the largest gain{where} is that of {_name(largest)}')
        rows = {row.name: results.spread(row.name, f'{before}GPS/AP').mean
                for row in present(results, 'main')}
        if max(rows, key=rows.get) != _BEST:
            found.append(f'the best row{where} is {max(rows, key=rows.get)}')
        if not before and not longer_trained() - _ten_epochs(results) > gains[largest]:
            found.append('longer training does not gain more than any step')
    return found


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
    for name, claim in _FIGURES.items():
        filled |= {name: _signed(claim.gain(results)),
                   f'{name}_val': _signed(claim.gain(results, VALIDATION))}
    filled['resnet_val_pairs'] = _RESNET.gain(results, VALIDATION).n
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
