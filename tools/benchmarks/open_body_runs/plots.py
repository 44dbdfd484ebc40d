"""Results as pictures."""
import math
from pathlib import Path
from typing import TYPE_CHECKING

from open_body_runs.results import Results
from open_body_runs.rows import row_of
from open_body_runs.statistics import halves, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ('#6c757d', '#3b75af', '#5b8e7d', '#c8553d', '#bc9a48')
WITHOUT, WITH = COLORS[1], COLORS[3]


def draw_curves(results: Results, rows: list[str], path: Path) -> None:
    """Draw GPS AP on the validation set over the epochs: mean of the seeds, and their range."""
    figure = _figure(8, 5)
    axes = figure.add_subplot()
    for color, name in zip(COLORS, rows):
        runs = [{point['epoch']: 100 * point['GPS/AP'] for point in result['curve']}
                for result in results.runs[name].values()]
        epochs = sorted(set().union(*runs))
        values = [[run[epoch] for run in runs if epoch in run] for epoch in epochs]
        axes.plot(epochs, [spread(v).mean for v in values], 'o-', color=color, markersize=4,
                  label=f'{row_of(name).title} ({len(runs)})')
        axes.fill_between(epochs, [min(v) for v in values], [max(v) for v in values],
                          color=color, alpha=.15, linewidth=0)
    axes.set(xlabel='epoch', ylabel='GPS AP on the validation set, %')
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, title='mean and range of the seeds (how many)')
    _save(figure, [axes], path)


def draw_recall(results: Results, pairs: list[tuple[str, str]], names: list[str],
                path: Path) -> None:
    """Draw the recall of every surface, from rare to frequent, without and with KTM.

    Means over the seeds that both rows of a pair have.
    """
    rare, frequent = halves(results.points())
    order = rare + frequent
    figure = _figure(11, 1.2 + 3.2 * len(pairs))
    grid = figure.subplots(len(pairs), squeeze=False, sharex=True)[:, 0]
    for axes, (before, after) in zip(grid, pairs, strict=True):
        for shift, name, color, label in ((-.2, before, WITHOUT, 'without KTM'),
                                          (.2, after, WITH, 'with KTM')):
            recall = results.recall(name, results.shared_seeds(before, after))
            heights = [0 if math.isnan(recall[k]) else 100 * recall[k] for k in order]
            axes.bar([x + shift for x in range(len(order))], heights, .4, color=color,
                     label=f'{label}: {name}')
        axes.axvline(len(rare) - .5, color='black', linewidth=.8, linestyle=':')
        axes.set(ylim=(0, 100), xlim=(-.6, len(order) - .4), ylabel='recall, %')
        axes.legend(frameon=False, ncol=2, loc='upper left', bbox_to_anchor=(0, 1.17))
    points = results.points()
    grid[-1].set_xticks(range(len(order)), [f'{names[k]} ({points[k]:,})' for k in order],
                        rotation=60, ha='right', rotation_mode='anchor', fontsize=9)
    grid[-1].set_xlabel('surface (training points): the rarer half left of the line')
    _save(figure, grid, path)


def _figure(width: float, height: float) -> 'Figure':
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def _save(figure: 'Figure', grid: 'list[Axes]', path: Path) -> None:
    for axes in grid:
        axes.spines[['top', 'right']].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
