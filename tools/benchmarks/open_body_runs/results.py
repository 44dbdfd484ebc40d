"""The results of all runs, read and sifted."""
import json
import math
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ktn_mm.surface.charts import SURFACES
from open_body_runs.data import same_but_for_rounding
from open_body_runs.rows import ROWS
from open_body_runs.run import config_hash
from open_body_runs.statistics import Spread, changes, halves, spread

REQUIRED = ('row', 'seed', 'config_sha256', 'data_sha256', 'options', 'data', 'figures',
            'surfaces', 'curve', 'minutes', 'cpu_minutes', 'epochs', 'machine', 'versions')
RARE, FREQUENT = 'rare', 'frequent'
"""Names of the mean recall of the surfaces with fewer and with more training points."""
GAP = 'rare - frequent'
"""Name of their difference: above 0 in a comparison, the rare surfaces gain more."""
VALIDATION = 'validation '
"""Stands before the name of a figure on the validation set, after the last epoch."""


@dataclass
class Results:
    """What can be compared.

    Attributes:
        runs: row -> seed -> content of the result.
        left_out: file name -> why it does not count.
    """

    runs: dict[str, dict[int, dict]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def values(self, row: str, figure: str) -> dict[int, float]:
        """Return seed -> figure of a row, in [0, 1]; NaN where it has no value."""
        return {seed: figure_of(result, figure)
                for seed, result in sorted(self.runs.get(row, {}).items())}

    def spread(self, row: str, figure: str) -> Spread:
        """Summarise a figure over the seeds."""
        return spread(self.values(row, figure).values())

    def gains(self, before: str, after: str, figure: str) -> dict[int, float]:
        """Return seed -> figure of the row after - figure of the row before.

        In [-1, 1], of :data:`GAP` in [-2, 2]; NaN where one of them has no value.
        """
        return changes(self.values(before, figure), self.values(after, figure))

    def paired(self, before: str, after: str, figure: str) -> Spread:
        """Summarise how a figure of one row differs from another's, seed by seed."""
        return spread(self.gains(before, after, figure).values())

    def shared_seeds(self, before: str, after: str) -> list[int]:
        """Return the seeds that both rows have."""
        return sorted(self.runs.get(before, {}).keys() & self.runs.get(after, {}).keys())

    def recall(self, row: str, seeds: list[int]) -> list[float]:
        """Return the mean recall of each surface over seeds that the row has."""
        each = [surface_recall(self.runs[row][seed]) for seed in seeds]
        return [spread(values).mean for values in zip(*each, strict=True)]

    def recall_gains(self, before: str, after: str) -> list[list[float]]:
        """Return by how much the recall of each surface differs, for each seed both rows have."""
        return [[b - a for a, b in zip(self.recall(before, [seed]), self.recall(after, [seed]),
                                       strict=True)]
                for seed in self.shared_seeds(before, after)]

    def with_truth(self, row: str) -> dict[str, Spread]:
        """Return the answers that come from the annotation -> GPS AP of a row with them.

        In the order of :mod:`ktn_mm.evaluation.bottleneck`; nothing of a row without a run.
        """
        found: dict[str, list[float]] = {}
        for result in self.runs.get(row, {}).values():
            for line in result.get('bottleneck', ()):
                found.setdefault(line['replaced'], []).append(line['GPS/AP'])
        return {answers: spread(values) for answers, values in found.items()}

    def minutes(self) -> dict[str, float]:
        """Return row -> median minutes of its runs, in the table's order, of rows that have any.
        """
        return {row.name: median(r['minutes'] for r in self.runs[row.name].values())
                for row in ROWS if self.runs.get(row.name)}

    def points(self) -> list[int]:
        """Return the training points of each surface; the runs share their data."""
        return next(iter(next(iter(self.runs.values())).values()))['data']['points_per_surface']

    def fronts(self) -> float:
        """Return the share of fronts among the annotated test points of surfaces with a face."""
        points = {face: 0 for face in ('front', 'back', 'full')}
        for surface, row in zip(SURFACES, self.all()[0]['surfaces'], strict=True):
            points[surface.face] += row['points']
        return points['front'] / (points['front'] + points['back'])

    def all(self) -> list[dict]:
        """Return all results in the table's order."""
        return [self.runs[row.name][seed] for row in ROWS
                for seed in sorted(self.runs.get(row.name, {}))]


def read_results(folder: Path, seeds: Container[int]) -> Results:
    """Read ``*.json`` of a folder; an empty or missing one has none.

    Left out are runs with other seeds or options of their own, runs of a config that has changed
    since, runs on other data than most, and files that are not called after their run.

    Args:
        folder: of the results.
        seeds: that are planned.

    Raises:
        ValueError: if a file is not a result; names it and the field.
    """
    results, good = Results(), []
    configs = {row.name: row.config for row in ROWS}
    for path in sorted(folder.glob('*.json')):
        content = read_result(path)
        if content['row'] not in configs:
            results.left_out[path.name] = f'there is no row {content["row"]}'
        elif path.stem != f'{content["row"]}-seed{content["seed"]}':
            results.left_out[path.name] = (f'is of {content["row"]}, seed {content["seed"]}, and '
                                           'not called so')
        elif content['seed'] not in seeds:
            results.left_out[path.name] = f'seed {content["seed"]} is not planned'
        elif content['options']:
            results.left_out[path.name] = 'has options of its own: ' + ' '.join(content['options'])
        elif content['config_sha256'] != config_hash(configs[content['row']]):
            results.left_out[path.name] = 'its config has changed since'
        else:
            good.append((path, content))
    data = [same_but_for_rounding(content['data_sha256']) for _, content in good]
    usual = Counter(data).most_common(1)
    for (path, content), sha256 in zip(good, data, strict=True):
        if sha256 != usual[0][0]:
            results.left_out[path.name] = 'was trained on other data than most'
        else:
            results.runs.setdefault(content['row'], {})[content['seed']] = content
    return results


def read_result(path: Path) -> dict:
    """Read one result.

    Raises:
        ValueError: if the file is not a result; names it and the field.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: not a json file ({error})') from error
    missing = [name for name in REQUIRED if name not in content]
    if missing:
        raise ValueError(f'{path}: not a result of the open benchmark: no {", ".join(missing)}')
    return content


def figure_of(result: dict, name: str) -> float:
    """Return a figure of a result, NaN if it has no value (-1 in the file).

    All are in [0, 1] but :data:`GAP`, which is in [-1, 1].
    """
    if name == GAP:
        return figure_of(result, RARE) - figure_of(result, FREQUENT)
    if name.startswith(VALIDATION):
        curve = whole_curve(result)
        return float(curve[-1].get(name.removeprefix(VALIDATION), math.nan)) if curve else math.nan
    if name in (RARE, FREQUENT):
        chosen = halves(result['data']['points_per_surface'])[name == FREQUENT]
        recall = surface_recall(result)
        return spread(recall[k] for k in chosen).mean
    value = result['figures'].get(name, -1)
    return float(value) if value >= 0 else math.nan


def whole_curve(result: dict) -> list[dict]:
    """Return the validations of a run; none if the last one is missing, as it was cut off."""
    curve = result['curve']
    return curve if curve and curve[-1]['epoch'] == result['epochs'] else []


def surface_recall(result: dict) -> list[float]:
    """Return the share of each surface's test points that got its label, NaN without points."""
    return [math.nan if row['surface_accuracy'] is None else row['surface_accuracy']
            for row in result['surfaces']]
