"""A diagnosis as files: a picture, a table to read and JSON."""
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ktn_mm.evaluation.diagnosis import Diagnosis
from ktn_mm.evaluation.diagnosis_table import diagnosis_table
from ktn_mm.surface.charts import SURFACES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {'left': '#3b75af', 'right': '#c8553d', 'middle': '#6c757d'}
"""Of a side of the body."""
_NOUNS = ('head', 'torso', 'arm', 'hand', 'leg', 'foot')
"""From top to bottom of the picture."""
U_COLOR, V_COLOR = '#5b8e7d', '#bc9a48'
LIGHT, DARK = '#a9bcd0', '#3d5a80'


def write_diagnosis(diagnosis: Diagnosis, folder: str | Path) -> None:
    """Write ``diagnosis.json``, ``diagnosis.txt`` and ``diagnosis.png``, making the folder.

    Raises:
        ImportError: if matplotlib is not installed; the other two files are written by then.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'diagnosis.json').write_text(json.dumps(diagnosis.to_dict(), indent=1) + '\n',
                                           encoding='utf-8')
    (folder / 'diagnosis.txt').write_text(diagnosis_table(diagnosis) + '\n', encoding='utf-8')
    draw_diagnosis(diagnosis).savefig(folder / 'diagnosis.png', dpi=100)


def draw_diagnosis(diagnosis: Diagnosis) -> 'Figure':
    """Draw recall of each surface, errors of U and V, the bottleneck table and the confusion."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(17, 14), layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.35), height_ratios=(1.5, 1))
    _draw_recall(figure.add_subplot(grid[0, 0]), diagnosis)
    _draw_confusion(figure, figure.add_subplot(grid[0, 1]), diagnosis)
    _draw_errors(figure.add_subplot(grid[1, 0]), diagnosis)
    _draw_ladder(figure.add_subplot(grid[1, 1]), diagnosis)
    points = int(diagnosis.errors['overall'].points[0])
    figure.suptitle(f'{diagnosis.persons} persons, {points} points, '
                    f'{diagnosis.detections} detections', fontsize=15)
    return figure


def _draw_recall(axes: 'Axes', diagnosis: Diagnosis) -> None:
    """Draw a bar for each surface, those of a pair below each other."""
    table = diagnosis.errors['surfaces']
    order = _paired_order()
    recall = 100 * table.surface_accuracy[order]
    axes.barh(range(len(order)), np.nan_to_num(recall), height=.8,
              color=[COLORS[SURFACES[k].side] for k in order])
    for y, (value, points) in enumerate(zip(recall, table.points[order], strict=True)):
        text = f' {value:.0f}' if points else ' no points'
        axes.text(np.nan_to_num(value), y, text, va='center', fontsize=9)
    axes.set_yticks(range(len(order)), [SURFACES[k].name for k in order], fontsize=10)
    axes.set(xlim=(0, 108), ylim=(len(order) - .4, -.6),
             xlabel='points of the surface with the right label, %',
             title='Recall of the surface label')
    for side, color in COLORS.items():
        axes.barh(0, 0, color=color, label=side)
    axes.legend(loc='upper center', bbox_to_anchor=(.5, -.07), ncol=3, frameon=False)
    _strip(axes)


def _draw_confusion(figure: 'Figure', axes: 'Axes', diagnosis: Diagnosis) -> None:
    """Draw the shares of each annotated surface's points, in the order of the bars."""
    order = _paired_order()
    counts = diagnosis.confusion[order][:, [0, *(k + 1 for k in order)]]
    shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = axes.imshow(np.where(counts > 0, shares, np.nan), cmap='YlGnBu', vmin=0, vmax=100,
                        aspect='auto')
    names = [SURFACES[k].name for k in order]
    axes.set_yticks(range(len(names)), names, fontsize=10)
    axes.set_xticks(range(len(names) + 1), ['not found', *names], rotation=60, ha='right',
                    rotation_mode='anchor', fontsize=10)
    for row, column in np.argwhere(shares >= 5):
        share = shares[row, column]
        axes.text(column, row, f'{share:.0f}', ha='center', va='center', fontsize=8,
                  color='white' if share > 55 else 'black')
    axes.axvline(.5, color='black', linewidth=.8)
    axes.set(xlabel='predicted', ylabel='annotated',
             title='Where the points of a surface went, % (numbers from 5 %)')
    figure.colorbar(image, ax=axes, fraction=.03, pad=.01)


def _draw_errors(axes: 'Axes', diagnosis: Diagnosis) -> None:
    """Draw the squared errors of U and V, and the distance, of each class."""
    table = diagnosis.errors['classes']
    order = sorted(range(len(table.names)), key=lambda k: (
        _NOUNS.index(table.names[k].split()[-1]), table.names[k]))
    place = np.arange(len(order))
    for shift, values, color, label in ((-.2, table.u_mse, U_COLOR, 'U'),
                                        (.2, table.v_mse, V_COLOR, 'V')):
        axes.bar(place + shift, np.nan_to_num(values[order]), .4, color=color,
                 label=f'{label}, squared')
    other = axes.twinx()
    other.plot(place, 100 * table.geodesic_error[order], 'D', color='black', markersize=6,
               label='distance along the body')
    for bounds, values in ((axes, np.stack([table.u_mse, table.v_mse])),
                           (other, 100 * table.geodesic_error)):
        known = values[np.isfinite(values)]
        bounds.set_ylim(0, 1.3 * known.max() if known.size and known.max() else 1)
    axes.set_xticks(place, [table.names[k] for k in order], rotation=35, ha='right',
                    rotation_mode='anchor')
    axes.set(ylabel='mean squared error of U and V',
             title='Error of the coordinates, on the right surface')
    other.set_ylabel('mean distance, cm')
    handles = [h for a in (axes, other) for h in a.get_legend_handles_labels()[0]]
    axes.legend(handles=handles, loc='upper center', ncol=3, frameon=False)
    axes.spines['top'].set_visible(False)
    other.spines['top'].set_visible(False)


def _draw_ladder(axes: 'Axes', diagnosis: Diagnosis) -> None:
    """Draw AP of GPS and GPSm for each row of the bottleneck table."""
    ladder = diagnosis.bottleneck
    place = np.arange(len(ladder.rows))
    for shift, values, color, label in ((-.2, ladder.gps, LIGHT, 'GPS AP'),
                                        (.2, ladder.gpsm, DARK, 'GPSm AP')):
        bars = axes.barh(place + shift, 100 * np.nan_to_num(values[:, 0]), .4, color=color,
                         label=label)
        axes.bar_label(bars, [f' {100 * v:.1f}' if np.isfinite(v) else ' no persons'
                              for v in values[:, 0]], fontsize=9)
    axes.set_yticks(place, ladder.rows)
    axes.invert_yaxis()
    axes.set(xlim=(0, 110), xlabel='AP, %', title='AP if the truth replaced ...')
    axes.legend(loc='upper center', bbox_to_anchor=(.5, -.13), ncol=2, frameon=False)
    _strip(axes)


def _paired_order() -> list[int]:
    """Return the rows of the surfaces with left and right below each other, from head to foot."""
    return sorted(range(len(SURFACES)), key=lambda k: (
        _NOUNS.index(SURFACES[k].noun), SURFACES[k].level != 'upper', SURFACES[k].face,
        SURFACES[k].side))


def _strip(axes: 'Axes') -> None:
    axes.spines[['top', 'right']].set_visible(False)
