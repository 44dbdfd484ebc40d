"""The pages that the results make: docs/benchmark/README.md and a block of the README."""
import json
import os
from pathlib import Path
from string import Template

from open_body_runs.answer import answer, contradictions
from open_body_runs.claims import CLAIMS, below_level_sentence, claim_table, pooled_sentence
from open_body_runs.data import WITHOUT_AVX512
from open_body_runs.plots import (
    GainLine,
    draw_curves,
    draw_gains,
    draw_recall_gain,
    gain_lines,
)
from open_body_runs.results import Results
from open_body_runs.rows import GROUPS, PAIRS, ROOT
from open_body_runs.statistics import LEVEL, deviations_to_hold
from open_body_runs.tables import (
    SHORT,
    comparable,
    crossed_pairs,
    difference_table,
    estimate_table,
    group_table,
    kind_table,
    label_changes,
    made_on,
    minutes_table,
    plan_table,
    present,
    replicates_sentence,
    run_table,
    state_sentence,
    surface_table,
    truth_table,
)
from open_body_runs.trials import FOLDER as TRIALS
from open_body_runs.trials import Trial, read_trials, trial_table

BEGIN, END = '<!-- open benchmark: begin -->', '<!-- open benchmark: end -->'
"""Lines of the README between which the table stands."""
_PAGE, _WHY = (Path(__file__).with_name(name) for name in ('page.md', 'why.md'))
_READ = (
    'Percent, mean ± standard deviation over the seeds. *surface*: of the annotated points, those '
    'on the right surface. *left/right*, *front/back*: of the points that were found on the right '
    'kind of part, where it has sides (faces), those on the right one; of the annotated points '
    'with a face $front % are fronts. *rare*, *frequent*: mean recall of the surface label over '
    'the 12 surfaces with fewer and the 12 with more training points.\n\n')
_PAIRED = (
    'Each seed of a row against the same seed of the row it is compared with: mean ± standard '
    'deviation of the differences, in percent points. *rare − frequent* above 0: the rare '
    f'surfaces gain more. Bold: not 0.0, and p below {LEVEL} by itself; chance makes about one '
    f'in {1 / LEVEL:.0f} of the numbers bold. They hang together: what moves one figure of a row '
    'moves others.\n\n')
_TRUTH = (
    'GPS AP on the test set if some answers came from the annotation instead of the network '
    '([how](../diagnosis.md#the-bottleneck-table)), percent, mean ± standard deviation over the '
    'seeds.\n\n')
_KINDS = (
    'Gain of the recall by KTM, mean over the surfaces of a kind, in percent points, bold as '
    'above; a column for each row that KTM was added to. *rare*: how many of them are in the '
    'rarer half. Where only the backs gain, it is not the number of points that counts. This '
    'split was made after the results.\n\n')
_TRIALS = (
    '### Trials\nA row with options of its own (`open_body.py --cfg-options`), one seed each, in '
    'percent; in brackets by how much that is above the same seed without them, \\*: which was '
    'made on another processor or with pictures or labels that differ. These are looks, not '
    'tests: one seed does not tell a step from chance.\n\n')
_GAINS = 'gains.png'
_CAPTION = (
    '*Red*: KTM, wherever it was added; *blue*: other steps, alone or together. Both runs of a '
    'pair have the same seed. The intervals are each line\'s own: of what seeds change, not other '
    'test people, and not corrected for the number of claims. The paper\'s gains are those of '
    'other data and of stronger networks, so that only their sign can be compared. †: asked after '
    'a look at the first results.\n\n')


def write_page(results: Results, folder: Path, seeds: list[int]) -> None:
    """Write README.md and its pictures.

    Args:
        results: that count.
        folder: docs/benchmark.
        seeds: that are planned.
    """
    state, lines = state_sentence(results, seeds), gain_lines(results)
    rounded = [f'{run["row"]}, seed {run["seed"]}' for run in results.all()
               if run['data_sha256'] == WITHOUT_AVX512]
    if rounded:
        state += ('\n\nTrained and tested on pictures made without AVX-512, which differ, nobody '
                  'knows by how much ([same bytes](../open-body-v1.md#same-bytes)): '
                  + '; '.join(rounded) + '.')
    if results.left_out:
        state += '\n\n' + '\n'.join(f'- left out: {file}: {why}'
                                     for file, why in results.left_out.items())
    text = Template(_PAGE.read_text(encoding='utf-8')).substitute(
        state=state, answer=answer(results), claims=claim_table(results).rstrip(),
        gains=_gains_picture(lines, _GAINS),
        level=LEVEL, below=below_level_sentence(results), power=_power(len(seeds)),
        why=_why(results, read_trials(folder / TRIALS, results)),
        pooled=pooled_sentence(results), replicates=replicates_sentence(results),
        plan=_plan(results, folder / 'estimate.json', seeds),
        results=_measured(results, folder) if results.runs else '')
    folder.mkdir(parents=True, exist_ok=True)
    if lines:
        draw_gains(lines, folder / _GAINS)
    docs = Path(os.path.relpath(ROOT / 'docs', folder)).as_posix()
    text = text.replace('](../', f']({docs}/')  # the links are written for docs/benchmark
    (folder / 'README.md').write_text(text.rstrip() + '\n', encoding='utf-8')


def readme_block(results: Results, seeds: list[int], folder: str) -> str:
    """Return what stands between the markers of the README.

    Args:
        results: that count.
        seeds: that are planned.
        folder: where :func:`write_page` writes, seen from the README, with slashes.
    """
    text = answer(results) + _gains_picture(gain_lines(results), f'{folder}/{_GAINS}')
    text += state_sentence(results, seeds, titles=True) + '\n'
    if present(results, 'main'):
        text += '\n' + group_table(results, 'main', SHORT)
        text += ('\nPercent on the test set, mean ± standard deviation over the seeds; *rare*, '
                 '*frequent*: recall of the 12 surfaces with fewer and with more training '
                 'points.\n')
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


def _gains_picture(lines: list[GainLine], path: str) -> str:
    """Return the lines that show the picture of gains; nothing if there are none."""
    alt = 'Gains of GPS AP, paired by seed, with intervals and what the paper reports'
    return f'![{alt}]({path})\n\n{_CAPTION}' if lines else ''


def _power(pairs: int) -> str:
    """Say what so many pairs can show; nothing of one."""
    if pairs < 2:
        return ''
    near, far = (f'{deviations_to_hold(len(CLAIMS), n):.1f}' for n in (pairs, 2 * pairs))
    return (f'With {pairs} seeds a mean must be {near} times its standard deviation to be the '
            f'first of {len(CLAIMS)} claims to hold, with {2 * pairs} seeds {far} times. ')


def _why(results: Results, trials: list[Trial]) -> str:
    """Say what is known of why KTM gains no more, while the answer says that."""
    if contradictions(results):
        return ''
    found, right = (results.spread('mid', figure).mean
                    for figure in ('foreground_recall', 'surface_accuracy'))
    return Template(_WHY.read_text(encoding='utf-8')).substitute(
        missed=f'{100 * (1 - found):.0f}', mislabelled=f'{100 * (found - right):.0f}',
        labels=label_changes(results, PAIRS),
        trials=f'\n{_TRIALS}{trial_table(trials)}' if trials else '')


def _plan(results: Results, path: Path, seeds: list[int]) -> str:
    own = '`python tools/benchmarks/open_body.py --measure 60` estimates it on your machine.'
    counts = 'counts as the mean of the others:\n\n'
    if taken := results.minutes():
        together = sum(run['machine'].get('runs_at_a_time') == 2 for run in results.all())
        machines = len({made_on(run)[:2] for run in results.all()})
        return (f'What the runs took, medians over the seeds; {together} of {len(results.all())} '
                'went on two at a time, some beside other work'
                + (', and not all on one machine ([runs](#runs))' if machines > 1 else '')
                + f'. {own}\n\n'
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


def _measured(results: Results, folder: Path) -> str:
    text = '## Results\n' + Template(_READ).substitute(front=f'{100 * results.fronts():.0f}')
    for group, title in GROUPS.items():
        if present(results, group):
            text += f'### {title}\n' + group_table(results, group) + '\n'
    if compared := comparable(results):
        text += '## Differences, paired by seed\n' + _PAIRED + difference_table(
            results, compared) + '\n'
        if crossed := crossed_pairs(results):
            text += ('The two runs of these pairs were made on different processors, or on '
                     'pictures or labels that differ, nobody knows by how much: '
                     f'{crossed}.\n\n')
    known = [row for row in present(results, 'main') if results.with_truth(row.name)]
    if known:
        text += '## Where the points are lost\n' + _TRUTH + truth_table(results, known) + '\n'
    rows = [row.name for row in present(results, 'main') if any(
        result['curve'] for result in results.runs[row.name].values())]
    if rows:
        draw_curves(results, rows, folder / 'curves.png')
        text += '## While training\n![GPS AP on the validation set](curves.png)\n\n'
    pairs = [pair for pair in PAIRS if len(results.shared_seeds(*pair)) > 1]
    text += '## Rare against frequent surfaces\n'
    if pairs:
        draw_recall_gain(results, pairs, folder / 'recall.png')
        text += ('By how much KTM raises the recall of the surface label at the test points: bars '
                 'are means over the seeds that both rows have, at least two, dots the seeds.\n\n'
                 '![Gain of the recall of every surface by KTM](recall.png)\n\n'
                 + _KINDS + kind_table(results, pairs) + '\n'
                 'The recall itself, mean over these seeds, in percent:\n\n'
                 + surface_table(results, pairs) + '\n')
    else:
        text += ('No row has been run both without and with KTM with two seeds, so there is '
                 'nothing to compare.\n\n')
    return (text + '## Runs\n*of the processor*: a dash where it is not known, since the driver '
            'was killed. *attempts*: how often training was started.'
            + _commits(results) + '\n\n' + run_table(results))


def _commits(results: Results) -> str:
    """Say how many results do not name the code that made them, or name several."""
    codes = [result.get('code') or '' for result in results.all()]
    nameless, mixed = codes.count(''), sum(', then ' in code for code in codes)
    return (f' {nameless} of the results do not name the commit of their code.' * bool(nameless)
            + f' {mixed} went on with another commit.' * bool(mixed))
