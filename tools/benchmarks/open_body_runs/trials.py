"""Trials: a row with options of its own, against the same row and seed without them."""
import math
from dataclasses import dataclass
from pathlib import Path

from open_body_runs.data import same_but_for_rounding
from open_body_runs.results import VALIDATION, Results, figure_of, read_result
from open_body_runs.rows import row_of
from open_body_runs.tables import made_on, markdown

FOLDER = 'trials'
"""Below docs/benchmark: a folder for each trial, with its runs/."""
_FIGURES = {'GPS/AP': 'GPS AP', f'{VALIDATION}GPS/AP': 'validation',
            'surface_accuracy': 'surface', 'front_back_accuracy': 'front/back'}


@dataclass
class Trial:
    """One run with options, and the one it is compared with.

    Attributes:
        name: of its folder.
        run: content of its result.
        plain: content of the result of the same row and seed without the options.
    """

    name: str
    run: dict
    plain: dict

    def figures(self, name: str) -> tuple[float, float]:
        """Return a figure of the run, and by how much it is above that of the plain one."""
        value = figure_of(self.run, name)
        return value, value - figure_of(self.plain, name)


def read_trials(folder: Path, results: Results) -> list[Trial]:
    """Read ``NAME/runs/*.json`` of a folder, by name, row and seed; a missing one has none.

    Raises:
        ValueError: if a file is not a result, or not one of a trial: without options, of another
            config or other data than the runs it belongs to, or of a seed that these lack.
    """
    trials = []
    for path in sorted(folder.glob('*/runs/*.json')):
        run = read_result(path)
        plain = results.runs.get(run['row'], {}).get(run['seed'])
        if plain is None:
            raise ValueError(f'{path}: there is no run of {run["row"]}, seed {run["seed"]}, '
                             'without options to compare it with')
        if not run['options']:
            raise ValueError(f'{path}: has no options, so that there is nothing to try')
        if run['config_sha256'] != plain['config_sha256']:
            raise ValueError(f'{path}: its config is not that of the run without options')
        if len({same_but_for_rounding(r['data_sha256']) for r in (run, plain)}) > 1:
            raise ValueError(f'{path}: its data are not those of the run without options')
        trials.append(Trial(path.parent.parent.name, run, plain))
    return trials


def trial_table(trials: list[Trial]) -> str:
    """Write a line for every trial; a star where the plain run was made elsewhere."""
    lines = []
    for trial in trials:
        cells = ['-' if math.isnan(gain) else f'{100 * value:.1f} ({100 * gain:+.1f})'
                 for value, gain in map(trial.figures, _FIGURES)]
        elsewhere = '\\*' * (made_on(trial.run) != made_on(trial.plain))
        options = ' '.join(f'`{option}`' for option in trial.run['options'])
        lines.append([trial.name, f'{row_of(trial.run["row"]).title}{elsewhere}',
                      str(trial.run['seed']), *cells, options])
    return markdown(['trial', 'on', 'seed', *_FIGURES.values(), 'options'], lines)
