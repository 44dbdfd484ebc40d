"""The pages that the results make: docs/benchmark/README.md and a block of the README."""
import json
from pathlib import Path
from string import Template

from open_body_runs.claims import ABOUT_KTM, LEVEL, claim_table
from open_body_runs.plots import draw_curves, draw_recall_gain
from open_body_runs.results import Results
from open_body_runs.rows import GROUPS, PAIRS
from open_body_runs.tables import (
    SHORT,
    comparable,
    difference_table,
    estimate_table,
    group_table,
    minutes_table,
    plan_table,
    present,
    run_table,
    state_sentence,
    surface_table,
)

BEGIN, END = '<!-- open benchmark: begin -->', '<!-- open benchmark: end -->'
"""Lines of the README between which the table stands."""
_PAGE = Path(__file__).with_name('page.md')
_READ = (
    'Percent, mean ± standard deviation over the seeds. *surface*, *left/right*, *front/back*: '
    'accuracy at the annotated points. *rare*, *frequent*: mean recall of the surface label over '
    'the 12 surfaces with fewer and the 12 with more training points.\n\n')
_PAIRED = (
    'Each seed of a row against the same seed of the row it is compared with: mean ± standard '
    'deviation of the differences, in percent points. *rare − frequent* above 0: the rare '
    'surfaces gain more.\n\n')
_GAINS = (
    'percent points of GPS AP; of recall, rare − frequent, where surfaces are compared; of the '
    'gain of GPS AP beyond that with all points, where labels are few.')
_VERDICTS = (
    '*p*: how likely chance alone gives as much, by a two-sided t-test over the pairs; no '
    f'correction for the number of claims. *holds*, *the opposite*: p is below {LEVEL}. *not '
    'seen*: it is not. *open*: one pair tells nothing.')


def write_page(results: Results, folder: Path, seeds: list[int], names: list[str]) -> None:
    """Write README.md and its pictures.

    Args:
        results: that count.
        folder: docs/benchmark.
        seeds: that are planned.
        names: of the 24 surfaces.
    """
    state = state_sentence(results, seeds)
    if results.left_out:
        state += '\n\n' + '\n'.join(f'- left out: {file}: {why}'
                                     for file, why in results.left_out.items())
    text = Template(_PAGE.read_text(encoding='utf-8')).substitute(
        state=state, claims=claim_table(results).rstrip(),
        gains=_GAINS, verdicts=_VERDICTS, plan=_plan(results, folder / 'estimate.json', seeds),
        results=_measured(results, folder, names) if results.runs else '')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'README.md').write_text(text.rstrip() + '\n', encoding='utf-8')


def readme_block(results: Results, seeds: list[int]) -> str:
    """Return what stands between the markers of the README."""
    text = state_sentence(results, seeds, named=False) + '\n'
    if present(results, 'main'):
        text += '\n' + group_table(results, 'main', SHORT)
        text += ('\nPercent on the test set, mean ± standard deviation over the seeds; *rare*, '
                 '*frequent*: recall of the 12 surfaces with fewer and with more training '
                 'points.\n')
    if results.runs:
        text += (f'\nWhat KTM changes, paired by seed: {_GAINS} {_VERDICTS}\n\n'
                 + claim_table(results, ABOUT_KTM))
    return text


def replace_block(text: str, block: str, source: Path) -> str:
    """Put a block between the markers of a page.

    Raises:
        ValueError: if the markers are not there, each once and in this order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f'{source} must hold the lines {BEGIN!r} and {END!r}, once each and in '
                         'this order')
    head, tail = text[:text.index(BEGIN)], text[text.index(END):]
    return f'{head}{BEGIN}\n{block.strip()}\n{tail}'


def _plan(results: Results, path: Path, seeds: list[int]) -> str:
    own = '`python tools/benchmarks/open_body.py --measure 60` estimates it on your machine.'
    counts = 'counts as the mean of the others:\n\n'
    if taken := results.minutes():
        return (f'What the runs took, two at a time on 2 cores. {own}\n\n'
                + minutes_table(results) + f'\nA row without a run {counts}'
                + plan_table(taken, seeds).rstrip())
    if not path.exists():
        return f'How long a run takes is not known yet: {own}'
    estimate = json.loads(path.read_text())
    machine = estimate['machine']
    rows = ' '.join(estimate['rows'])
    return (f'CPU time on {machine["processor"]}, {machine["cores"]} cores at a load of '
            f'{estimate["load"]}, with the pictures of {estimate["data"]}: `python '
            f'tools/benchmarks/open_body.py --rows {rows} --measure STEPS`. On a quiet machine a '
            'run takes about as long as its thread computes.\n\n' + estimate_table(estimate)
            + f'\nA row that was not measured {counts}'
            + plan_table({row: e['minutes'] for row, e in estimate['rows'].items()},
                         seeds).rstrip())


def _measured(results: Results, folder: Path, names: list[str]) -> str:
    text = '## Results\n' + _READ
    for group, title in GROUPS.items():
        if present(results, group):
            text += f'### {title}\n' + group_table(results, group) + '\n'
    if compared := comparable(results):
        text += '## Differences, paired by seed\n' + _PAIRED + difference_table(
            results, compared) + '\n'
    rows = [row.name for row in present(results, 'main') if any(
        result['curve'] for result in results.runs[row.name].values())]
    if rows:
        draw_curves(results, rows, folder / 'curves.png')
        text += '## While training\n![GPS AP on the validation set](curves.png)\n\n'
    pairs = [pair for pair in PAIRS if results.shared_seeds(*pair)]
    text += '## Rare against frequent surfaces\n'
    if pairs:
        draw_recall_gain(results, pairs, names, folder / 'recall.png')
        text += ('By how much KTM raises the recall of the surface label at the test points: bars '
                 'are means over the seeds that both rows of a pair have, dots the seeds.\n\n'
                 '![Gain of the recall of every surface by KTM](recall.png)\n\n'
                 'The recall itself, mean over these seeds, in percent:\n\n'
                 + surface_table(results, pairs, names) + '\n')
    else:
        text += ('No row has been run both without and with KTM with the same seed, so there is '
                 'nothing to compare.\n\n')
    return (text + '## Runs\n*attempts*: how often training was started. A dash: not known, since '
            'the driver was killed.\n\n' + run_table(results))
