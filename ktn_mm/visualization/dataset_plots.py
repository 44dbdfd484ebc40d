"""Plots of what a data set of synthetic people contains."""
from collections import Counter
from pathlib import Path

import numpy as np

from ktn_mm.surface.charts import SURFACES
from ktn_mm.synth.motions import CLIPS

COLORS = {'train': '#3b6fb6', 'val': '#d98c3f', 'test': '#5a9e5a'}


def _histogram(axes, by_split: dict[str, np.ndarray], bins: np.ndarray, title: str,
               label: str) -> None:
    """Draw each split's shares over bins, in percent, as outlines."""
    for split, values in by_split.items():
        if len(values):
            heights, _ = np.histogram(np.clip(values, bins[0], bins[-1]), bins)
            axes.stairs(100 * heights / len(values), bins, label=split, color=COLORS[split],
                        linewidth=1.6)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(label, fontsize=8)
    axes.set_ylabel('%', fontsize=8)


def surface_counts(annotations: list[dict]) -> np.ndarray:
    """Return the number of annotated points on each surface, (24,)."""
    points = np.concatenate([one['dp_I'] for one in annotations if 'dp_I' in one] or [[]])
    return np.bincount(points.astype(np.int64), minlength=25)[1:25]


def pose_kind(name: str) -> str:
    """Return the clip of a recorded pose, or 'posed' for one from the table."""
    clip, _, frame = name.rpartition(' ')
    return clip if clip in CLIPS and frame.isdigit() else 'posed'


def summarize(coco: dict[str, dict]) -> dict[str, str]:
    """Return the numbers of all splits together, ready to print.

    Args:
        coco: the COCO dictionaries by split, with the ``synth`` entries of staged scenes.
    """
    people = [one for data in coco.values() for one in data['annotations']]
    if not people:
        return {'people, and with points': '0, 0'}
    points = np.array([len(one['dp_I']) for one in people if 'dp_I' in one] or [0])
    view = np.abs([one['synth']['view'] for one in people])
    cut, hidden = (1 - np.array([one['synth'].get(key, 1) for one in people])
                   for key in ('in_frame', 'unhidden'))
    seen = np.array([one['keypoints'][2::3] for one in people])
    surfaces = surface_counts(people) / max(surface_counts(people).sum(), 1)
    low, high = np.quantile(points, [.05, .95])

    def shares(*masks: np.ndarray) -> str:
        return ', '.join(f'{100 * mask.mean():.0f} %' for mask in masks)

    return {
        'people, and with points': f'{len(people)}, {sum("dp_I" in one for one in people)}',
        'points a person: mean, 5 %, 95 %': f'{points.mean():.0f}, {low:.0f}, {high:.0f}',
        'at least 150 pixels tall': shares(np.array([a['bbox'][3] >= 150 for a in people])),
        'facing within 60, 120, 180 degrees': shares(
            view <= 60, (view > 60) & (view <= 120), view > 120),
        'cut off by more than a tenth, half': shares(cut > .1, cut > .5),
        'hidden by more than a tenth, half': shares(hidden > .1, hidden > .5),
        'keypoints visible, hidden, outside': shares(seen == 2, seen == 1, seen == 0),
        'most, least frequent surface': ', '.join(
            f'{SURFACES[i].name} {100 * surfaces[i]:.1f} %'
            for i in (surfaces.argmax(), surfaces.argmin())),
    }


def write_plots(path: str | Path, coco: dict[str, dict]) -> None:
    """Write one picture with the statistics of all splits.

    Args:
        path: a PNG, JPEG, SVG or PDF file.
        coco: the COCO dictionaries by split, with the ``synth`` entries of staged scenes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    people = {split: data['annotations'] for split, data in coco.items()}
    dense = {split: [one for one in own if 'dp_I' in one] for split, own in people.items()}
    figure = Figure(figsize=(13, 12), layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(4, 3)
    cells = [figure.add_subplot(grid[row, column]) for row in (0, 1) for column in range(3)]

    def collect(read, source=people) -> dict[str, np.ndarray]:
        return {split: np.array([read(one) for one in own]) for split, own in source.items()}

    _histogram(cells[0], {split: np.array(list(Counter(
        [one['image_id'] for one in data['annotations']]).values())
        + [0] * (len(data['images']) - len({a['image_id'] for a in data['annotations']})))
        for split, data in coco.items()}, np.arange(-.5, 9), 'annotated people in a picture',
        'people')
    _histogram(cells[1], collect(lambda one: one['bbox'][3]), np.arange(0, 321, 20),
               'size of people', 'height of the box, pixels')
    _histogram(cells[2], collect(lambda one: len(one['dp_I']), dense), np.arange(0, 191, 10),
               'annotated points of a person', 'points')
    _histogram(cells[3], collect(lambda one: abs(one['synth']['view'])), np.arange(0, 181, 15),
               'facing direction', 'degrees from facing the camera')
    _histogram(cells[4], collect(lambda one: 100 * one['synth'].get('in_frame', 1)),
               np.arange(0, 101, 10), 'truncation: what the frame leaves of the body',
               '% of the body')
    _histogram(cells[5], collect(lambda one: 100 * one['synth'].get('unhidden', 1)),
               np.arange(0, 101, 10), 'occlusion: what others and things leave',
               '% of the pixels')
    cells[0].legend(fontsize=8)

    axes = figure.add_subplot(grid[2, :])
    width = .8 / len(coco)
    order = np.argsort(-sum(surface_counts(own) for own in people.values()), kind='stable')
    for number, (split, own) in enumerate(people.items()):
        counts = surface_counts(own)
        axes.bar(np.arange(24) + (number - (len(coco) - 1) / 2) * width,
                 100 * counts[order] / max(counts.sum(), 1), width, color=COLORS[split])
    axes.set_xticks(range(24), [f'{SURFACES[i].index} {SURFACES[i].name}' for i in order],
                    rotation=40, ha='right', fontsize=7)
    axes.set_title('annotated points on each surface', fontsize=10)
    axes.set_ylabel('% of the points', fontsize=8)

    axes = figure.add_subplot(grid[3, :])
    kinds = {split: Counter(pose_kind(one['synth']['pose']) for one in own)
             for split, own in people.items()}
    names = ['posed', *CLIPS]
    for split, counts in kinds.items():
        shares = [100 * counts[name] / max(sum(counts.values()), 1) for name in names]
        offset = (list(kinds).index(split) - (len(kinds) - 1) / 2) * width
        bars = axes.bar(np.arange(len(names)) + offset, shares, width, color=COLORS[split])
        axes.text(bars[0].get_x() + width / 2, 24.6, f'{shares[0]:.0f}', color='white',
                  ha='center', va='top', fontsize=7)
    # The first bars are cut off, so that the others can be told apart.
    axes.set_ylim(0, 25)
    axes.set_xticks(range(len(names)), ['from the table', *CLIPS], rotation=30, ha='right',
                    fontsize=8)
    axes.set_title('poses: from the table, or from a motion clip', fontsize=10)
    axes.set_ylabel('% of the people', fontsize=8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)
