"""Results as pictures."""
import math
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ktn_mm.surface.charts import SURFACES
from open_body_runs.claims import verdicts
from open_body_runs.results import Results
from open_body_runs.rows import PAIRS, row_of
from open_body_runs.statistics import LEVEL, halves, interval, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ('#6c757d', '#3b75af', '#5b8e7d', '#c8553d', '#bc9a48', '#8a5a9e')
"""Of the rows of the main table, in turn."""
RARE_COLOR, FREQUENT_COLOR = COLORS[3], COLORS[1]
KTM_COLOR, OTHER_COLOR = COLORS[3], COLORS[1]


def draw_curves(results: Results, rows: list[str], path: Path) -> None:
    """Draw GPS AP on the validation set over the epochs: mean of the seeds, and their range."""
    figure = _figure(8, 5)
    axes = figure.add_subplot()
    for color, name in zip(cycle(COLORS), rows):
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


class GainLine(NamedTuple):
    """A line of the picture of gains.

    Attributes:
        text: what is added, and to what.
        gains: of GPS AP, seed -> in [-1, 1].
        said: what the gains say of it.
        of_ktm: whether it is KTM that is said to help.
        paper: gain that the paper reports, in percent points; None where it gives none.
        elsewhere: whether the paper's network is of another kind or has other parts.
    """

    text: str
    gains: dict[int, float]
    said: str
    of_ktm: bool
    paper: float | None = None
    elsewhere: bool = False


def gain_lines(results: Results) -> list[GainLine]:
    """Return all gains of GPS AP that have a seed: KTM's, wherever it was added, then others."""
    lines = []
    for claim, (_, _, said) in verdicts(results).items():
        pair = claim.without, claim.with_
        gains = {seed: gain for seed, gain in results.gains(*pair, 'GPS/AP').items()
                 if not math.isnan(gain)}
        if not claim.of_gps or not gains:
            continue
        whole = claim.tested == row_of(claim.with_).title
        lines.append(GainLine(
            f'{claim.adds}{claim.mark} · {"in" if whole else "on"} {claim.tested}', gains,
            said.strip('*'), pair in PAIRS, claim.paper, claim.elsewhere))
    return sorted(lines, key=lambda line: not line.of_ktm)


def gains_figure(lines: list[GainLine]) -> 'Figure':
    """Draw each line's seeds, their mean and its interval, the paper's gain, and what is said."""
    figure = _figure(10, 1.5 + .36 * len(lines))
    axes = figure.add_subplot()
    for y, line in enumerate(lines):
        color, found = KTM_COLOR if line.of_ktm else OTHER_COLOR, spread(line.gains.values())
        axes.plot([100 * end for end in interval(found)], [y, y], color=color, linewidth=3,
                  alpha=.4, solid_capstyle='butt',
                  label=f'{100 * (1 - LEVEL):.0f} % interval, not corrected')
        axes.plot(100 * found.mean, y, '|', color=color, markersize=14, markeredgewidth=3,
                  label='mean')
        axes.plot([100 * gain for gain in line.gains.values()], [y] * found.n, 'o',
                  color='black', markeredgecolor='white', markeredgewidth=.6, markersize=5,
                  label='one seed')
        if line.paper is not None:
            axes.plot(line.paper, y - .27, 'D', color='white', markersize=5,
                      markeredgecolor=COLORS[0] if line.elsewhere else 'black',
                      markeredgewidth=.7 if line.elsewhere else 1.2,
                      label='the paper, another network' if line.elsewhere
                      else 'the paper')
        axes.text(1.01, y, f'{found.n} {"pairs" if found.n > 1 else "pair"}, {line.said}',
                  transform=axes.get_yaxis_transform(), va='center', fontsize=9)
    axes.axvline(0, color='black', linewidth=.8, zorder=0)
    axes.set_yticks(range(len(lines)), [line.text for line in lines], fontsize=9)
    axes.set_ylim(len(lines) - .5, -.6)
    axes.set_xlabel('gain of GPS AP, percent points')
    entries = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(entries.values(), entries.keys(), loc='outside upper right', ncols=5,
                  frameon=False, fontsize=9)
    return figure


def draw_gains(lines: list[GainLine], path: Path) -> None:
    """Write :func:`gains_figure` to a file."""
    figure = gains_figure(lines)
    _save(figure, figure.axes, path)


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
