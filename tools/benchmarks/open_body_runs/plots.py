"""Results as pictures."""
import math
from pathlib import Path
from typing import TYPE_CHECKING

from ktn_mm.surface.charts import SURFACES
from open_body_runs.results import Results
from open_body_runs.rows import row_of
from open_body_runs.statistics import halves, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ('#6c757d', '#3b75af', '#5b8e7d', '#c8553d', '#bc9a48', '#8a5a9e')
"""Of the rows of the main table."""
RARE_COLOR, FREQUENT_COLOR = COLORS[3], COLORS[1]


def draw_curves(results: Results, rows: list[str], path: Path) -> None:
    """Draw GPS AP on the validation set over the epochs: mean of the seeds, and their range."""
    figure = _figure(8, 5)
    axes = figure.add_subplot()
    for color, name in zip(COLORS[:len(rows)], rows, strict=True):
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


def draw_recall_gain(results: Results, pairs: list[tuple[str, str]], path: Path) -> None:
    """Draw by how much KTM raises the recall of every surface, from rare to frequent.

    Bars are means over the seeds that both rows of a pair have, dots the seeds.
    """
    points = results.points()
    rare, frequent = halves(points)
    order = rare + frequent
    figure = _figure(11, 1.6 + 2.1 * len(pairs))
    grid = figure.subplots(len(pairs), squeeze=False, sharex=True, sharey=True)[:, 0]
    for axes, (before, after) in zip(grid, pairs, strict=True):
        gains = [[100 * value for value in gain] for gain in results.recall_gains(before, after)]
        mean = [spread(gain[k] for gain in gains).mean for k in order]
        axes.bar(range(len(order)), [0 if math.isnan(m) else m for m in mean], .7,
                 color=[RARE_COLOR] * len(rare) + [FREQUENT_COLOR] * len(frequent))
        for gain in gains:
            axes.plot(range(len(order)), [gain[k] for k in order], '.', color='black',
                      markersize=4)
        axes.axhline(0, color='black', linewidth=.8)
        axes.set(xlim=(-.6, len(order) - .4), ylabel='points')
        axes.set_title(f'{row_of(before).title} → {row_of(after).title}, {len(gains)} seeds',
                       loc='left', fontsize=10)
    grid[-1].set_xticks(range(len(order)), [f'{SURFACES[k].name} ({points[k]:,})' for k in order],
                        rotation=60, ha='right', rotation_mode='anchor', fontsize=9)
    grid[-1].set_xlabel('surface (training points); rare ones red, frequent ones blue')
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
