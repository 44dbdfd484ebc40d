"""The answer to the question, given only while the runs say it."""
from pathlib import Path
from string import Template

from open_body_runs.claims import CLAIMS, Claim, p_text, range_of, verdicts
from open_body_runs.results import Results
from open_body_runs.statistics import LEVEL, chance
from open_body_runs.tables import plus_minus, rising_sentence

_TEXT = Path(__file__).with_name('answer.md')
_SAID = {'mid_gain': ('baseline', 'mid', None, 'seen'),
         'with_aug': ('mid-interp', 'ktn-interp', None, 'not seen'),
         'on_mid': ('mid', 'ktn', None, 'seen'),
         'alone': ('baseline', 'ktm', None, 'seen'),
         'with_few': ('mid-points10', 'ktn-points10', None, 'not seen'),
         'few_beyond': ('mid-points10', 'ktn-points10', ('mid', 'ktn'), 'the opposite seen')}
"""Placeholder of answer.md -> rows of a claim about GPS AP, and what answer.md says of it."""


def contradictions(results: Results) -> list[str]:
    """Return where the runs say something else than answer.md, a line each."""
    found, gains = [], {}
    judged = verdicts(results)
    for name, (claim, wanted) in _claims().items():
        gain, _, said = judged[claim]
        gains[name] = gain.mean
        if said != wanted:
            found.append(f'"{claim.text}" on {claim.tested} is {said}, answer.md has {wanted}')
    found += [f'"{claim.text}" on {claim.tested} holds' for claim, (_, _, said) in judged.items()
              if 'holds' in said]
    if not found and not gains['mid_gain'] > max(gains['with_aug'], gains['on_mid'],
                                                 gains['alone'], gains['with_few']):
        found.append('the gain of MID is not the largest')
    return found


def answer(results: Results) -> str:
    """Answer in a paragraph; nothing if there are :func:`contradictions`."""
    if contradictions(results):
        return ''
    judged = verdicts(results)
    few = results.paired('mid-interp-points10', 'ktn-interp-points10', 'GPS/AP')
    filled = dict(with_few_and_aug=plus_minus(few, signed=True),
                  with_few_and_aug_p=p_text(chance(few)))
    for name, (claim, _) in _claims().items():
        gain = judged[claim][0]
        filled |= {name: plus_minus(gain, signed=True), f'{name}_range': range_of(gain),
                   f'{name}_seeds': str(gain.n)}
        if claim.paper is not None:
            filled[f'{name}_paper'] = f'{claim.paper:+.1f}'
    return Template(_TEXT.read_text(encoding='utf-8')).substitute(
        filled, level=LEVEL, rising=rising_sentence(results)) + '\n'


def _claims() -> dict[str, tuple[Claim, str]]:
    known = {(claim.without, claim.with_, claim.beyond): claim
             for claim in CLAIMS if claim.figure == 'GPS/AP'}
    return {name: (known[tuple(rows)], wanted) for name, (*rows, wanted) in _SAID.items()}
