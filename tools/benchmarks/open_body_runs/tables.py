"""Results as Markdown."""
import math
from collections.abc import Iterable, Mapping
from statistics import median

from ktn_mm.surface.charts import SURFACES
from open_body_runs.data import augmentation_of
from open_body_runs.kinds import KINDS, kind_of
from open_body_runs.results import FREQUENT, GAP, RARE, Results
from open_body_runs.rows import GROUPS, REPLICATES, ROWS, Row, groups, row_of
from open_body_runs.statistics import LEVEL, Spread, chance, halves, spread

COLUMNS = {
    'GPS/AP': 'GPS AP', 'GPS/AP50': 'AP50', 'GPS/AP75': 'AP75', 'GPS/APM': 'APM',
    'GPS/APL': 'APL', 'GPS/AR': 'AR', 'GPSm/AP': 'GPSm AP', 'segm/AP': 'mask AP',
    'parts/mIoU': 'part mIoU', 'coco/AP': 'keypoint AP', 'mean_GPS': 'mean GPS',
    'surface_accuracy': 'surface',
    'left_right_accuracy': 'left/right', 'front_back_accuracy': 'front/back',
    RARE: 'rare', FREQUENT: 'frequent'}
"""Figure -> heading, of the whole table."""
SHORT = ('GPS/AP', 'GPS/AP50', 'GPS/AP75', 'GPSm/AP', 'parts/mIoU', RARE, FREQUENT)
"""The figures of the README's table."""
COMPARED = {**{figure: COLUMNS[figure] for figure in (
    'GPS/AP', 'GPS/AP50', 'GPS/AP75', 'GPS/AR', 'mean_GPS', 'GPSm/AP', 'segm/AP', 'parts/mIoU',
    'surface_accuracy', 'left_right_accuracy', 'front_back_accuracy', RARE, FREQUENT)},
            GAP: 'rare − frequent'}
"""Figure -> heading, of the differences."""


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Lay out a table; the first column holds names."""
    lines = [header, ['---'] + ['---:'] * (len(header) - 1), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines) + '\n'


def plus_minus(value: Spread, *, signed: bool = False, digits: int = 1) -> str:
    """Write a mean and its deviation in percent, a dash for nothing."""
    if not value.n:
        return '-'
    mean = f'{100 * value.mean:{"+" if signed else ""}.{digits}f}'
    return mean if math.isnan(value.std) else f'{mean} ± {100 * value.std:.{digits}f}'


def _difference(value: Spread) -> str:
    """Write a mean difference, bold where it is not 0.0 and chance seldom gives as much."""
    text = plus_minus(value, signed=True)
    return f'**{text}**' if round(100 * value.mean, 1) and chance(value) < LEVEL else text


def group_table(results: Results, group: str, figures: Iterable[str] = tuple(COLUMNS)) -> str:
    """Write the rows of a group, mean and deviation over the seeds."""
    rows = [[row.title, str(len(results.runs[row.name])),
             *(plus_minus(results.spread(row.name, figure)) for figure in figures)]
            for row in present(results, group)]
    return markdown(['', 'seeds', *(COLUMNS[figure] for figure in figures)], rows)


def difference_table(results: Results, rows: list[Row]) -> str:
    """Write how each row differs from the one it is compared with, paired by seed."""
    lines = []
    for row in rows:
        gain = results.paired(row.before, row.name, 'GPS/AP')
        lines.append([row.adds, row_of(row.before).title, str(gain.n),
                      f'{gain.above} of {gain.n}',
                      *(_difference(results.paired(row.before, row.name, figure))
                        for figure in COMPARED)])
    return markdown(['what changes', 'from', 'pairs', 'AP rises', *COMPARED.values()], lines)


def comparable(results: Results) -> list[Row]:
    """Return the rows that share a seed with the row they are compared with."""
    return [row for row in ROWS if row.before
            and results.runs.get(row.name, {}).keys() & results.runs.get(row.before, {}).keys()]


def present(results: Results, group: str) -> list[Row]:
    """Return the rows of a group that have a run."""
    return [row for row in ROWS if row.group == group and row.name in results.runs]


def truth_table(results: Results, rows: list[Row]) -> str:
    """Write the GPS AP that rows had with more and more answers of the annotation."""
    columns = [results.with_truth(row.name) for row in rows]
    return markdown(['from the annotation', *(row.title for row in rows)],
                    [[answers, *(plus_minus(column[answers]) for column in columns)]
                     for answers in columns[0]])


def surface_table(results: Results, pairs: list[tuple[str, str]]) -> str:
    """Write the recall of every surface, from rare to frequent, without and with KTM.

    Means over the seeds that both rows of a pair have.
    """
    points = results.points()
    rare, frequent = halves(points)
    header, columns = ['surface', 'half', 'training points'], []
    for pair in pairs:
        shared = results.shared_seeds(*pair)
        header += [f'{row_of(row).title} ({_seeds(shared)})' for row in pair]
        columns += [results.recall(row, shared) for row in pair]
    rows = [[SURFACES[k].name, RARE if k in rare else FREQUENT, f'{points[k]:,}',
             *('-' if math.isnan(recall[k]) else f'{100 * recall[k]:.1f}' for recall in columns)]
            for k in rare + frequent]
    return markdown(header, rows)


def kind_table(results: Results, pairs: list[tuple[str, str]]) -> str:
    """Write by how much KTM raises the recall of every kind of surface, paired by seed.

    Means over the surfaces of a kind that have test points.
    """
    rare, _ = halves(results.points())
    gains = [results.recall_gains(*pair) for pair in pairs]
    lines = []
    for kind in KINDS:
        members = [k for k, surface in enumerate(SURFACES) if kind_of(surface) == kind]
        gained = [spread(spread(gain[k] for k in members).mean for gain in seeds)
                  for seeds in gains]
        lines.append([kind, f'{len(set(members) & set(rare))} of {len(members)}',
                      *map(_difference, gained)])
    return markdown(['', 'rare', *(row_of(before).title for before, _ in pairs)], lines)


def label_changes(results: Results, pairs: Iterable[tuple[str, str]]) -> str:
    """Write the least and the largest mean change of the surface accuracy, in percent points."""
    found = [results.paired(*pair, 'surface_accuracy') for pair in pairs]
    means = [100 * change.mean for change in found if change.n]
    return f'{min(means):+.1f} to {max(means):+.1f}'


def replicates_sentence(results: Results) -> str:
    """Say by how much the GPS AP of :data:`REPLICATES` differs; nothing of no seed."""
    told, crossed = [], 0
    for before, after in REPLICATES:
        if gains := results.gains(before, after, 'GPS/AP'):
            told.append(', '.join(f'{100 * gain:+.1f}' for gain in gains.values())
                        + f' ({row_of(before).title})')
            crossed += len(_crossed_seeds(results, before, after))
    if not told:
        return ''
    text = ('With so few points Aug adds hardly any, but brings other crops; it moves the seeds '
            'by ' + ' and by '.join(told))
    if crossed:
        text += (f'; of these pairs at least {crossed} were made on different processors, '
                 'pictures or augmentations')
    return f'{text}. '


def crossed_pairs(results: Results) -> str:
    """Name the pairs of runs on different processors, or on pictures or labels that differ."""
    crossed = []
    for row in comparable(results):
        if seeds := _crossed_seeds(results, row.before, row.name):
            crossed.append(f'{row_of(row.before).title} and {row.title} ({_seeds(seeds)})')
    return '; '.join(crossed)


def _crossed_seeds(results: Results, before: str, after: str) -> list[int]:
    return [seed for seed in results.shared_seeds(before, after)
            if made_on(results.runs[before][seed]) != made_on(results.runs[after][seed])]


def made_on(run: dict) -> tuple[str, str, int]:
    """Return the processor, the pictures and the augmentation of a run."""
    return run['machine']['processor'], run['data_sha256'], augmentation_of(run)


def missing_runs(results: Results, seeds: list[int]) -> dict[str, list[int]]:
    """Return row -> the seeds that have not been run."""
    left = {row.name: [s for s in seeds if s not in results.runs.get(row.name, {})]
            for row in ROWS}
    return {row: wanted for row, wanted in left.items() if wanted}


def state_sentence(results: Results, seeds: list[int], *, titles: bool = False) -> str:
    """Say how many of the planned runs there are, and which are not.

    Args:
        results: that count.
        seeds: that are planned.
        titles: name rows by what they are, with how many seeds are missing, instead of by their
            names with these seeds.
    """
    total, left = len(ROWS) * len(seeds), missing_runs(results, seeds)
    count = sum(map(len, left.values()))
    if not count:
        return f'All {total} runs are there.'
    if count == total:
        return (f'None of the {total} runs has been made yet, so nothing can be said about KTM '
                'here.')
    text = f'{total - count} of {total} runs are there.'
    names = [f'{row_of(row).title} ({len(wanted)})' if titles else f'{row} ({_seeds(wanted)})'
             for row, wanted in left.items()]
    return f'{text} Missing: {"; ".join(names)}.'


def plan_table(minutes: Mapping[str, float], seeds: list[int]) -> str:
    """Write runs x minutes.

    Args:
        minutes: row -> minutes of a run; a row that is missing counts as the mean of the others.
        seeds: that are planned.
    """
    mean = sum(minutes.values()) / len(minutes)
    lines, total = [], 0.
    for group in groups():
        rows = [row for row in ROWS if row.group == group]
        planned = sum(minutes.get(row.name, mean) for row in rows) * len(seeds)
        total += planned
        lines.append([GROUPS[group], str(len(rows)), str(len(seeds)), str(len(rows) * len(seeds)),
                      f'{planned:.0f}', f'{planned / 120:.1f}', f'{planned / 360:.1f}'])
    runs = len(ROWS) * len(seeds)
    lines.append(['together', str(len(ROWS)), str(len(seeds)), str(runs), f'{total:.0f}',
                  f'{total / 120:.1f}', f'{total / 360:.1f}'])
    return markdown(['', 'rows', 'seeds', 'runs', 'minutes of one thread',
                     'hours, two at a time', 'evenings of three hours'], lines)


def minutes_table(results: Results) -> str:
    """Write how long the runs of each row took, medians."""
    taken = results.minutes()
    lines = []
    for name, minutes in taken.items():
        worked = [r['cpu_minutes'] for r in results.runs[name].values()
                  if r['cpu_minutes'] is not None]
        lines.append([name, row_of(name).title, str(len(results.runs[name])), f'{minutes:.0f}',
                      f'{median(worked):.0f}' if worked else '-'])
    return markdown(['row', '', 'runs', 'minutes of a run', 'of the processor'], lines)


def estimate_table(estimate: dict) -> str:
    """Write what the plan was measured on."""
    return markdown(
        ['row', 'CPU seconds a step', 'a tested person', 'to start', 'steps of a run',
         'minutes of a run'],
        [[name, f'{e["cpu_seconds_per_step"]:.2f}', f'{e["cpu_seconds_per_tested_person"]:.3f}',
          f'{e["cpu_seconds_to_start"]:.0f}', f'{e["steps"]:,}', f'{e["minutes"]:.0f}']
         for name, e in estimate['rows'].items()])


def run_table(results: Results) -> str:
    """Write a line for every run."""
    lines = [[f'[{r["row"]}, seed {r["seed"]}](runs/{r["row"]}-seed{r["seed"]}.json)',
              f'{100 * r["figures"]["GPS/AP"]:.1f}', f'{r["minutes"]:.0f}',
              '-' if r['cpu_minutes'] is None else f'{r["cpu_minutes"]:.0f}',
              str(r.get('attempts', 1)),
              f'{r["machine"]["processor"]}, {r["machine"]["cores"]} cores',
              f'[log](runs/{r["row"]}-seed{r["seed"]}.txt)'] for r in results.all()]
    return markdown(['run', 'GPS AP', 'minutes', 'of the processor', 'attempts', 'machine', ''],
                    lines)


def _seeds(seeds: list[int]) -> str:
    return ('seed ' if len(seeds) == 1 else 'seeds ') + ', '.join(map(str, seeds))
