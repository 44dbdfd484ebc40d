"""The figures as a table to read in a log."""
from collections.abc import Mapping, Sequence


def figures_table(figures: Mapping[str, float], kinds: Sequence[str]) -> str:
    """Lay out the figures of :func:`ktn_mm.evaluation.protocol.evaluate`, in percent.

    A value of -1, which is none, shows as a dash.
    """
    columns = [name.split('/')[1] for name in figures if name.startswith(f'{kinds[0]}/')]
    lines = [' ' * 5 + ''.join(f'{c:>7}' for c in columns)]
    for kind in kinds:
        lines.append(f'{kind:<5}' + ''.join(f'{_percent(figures[f"{kind}/{c}"]):>7}'
                                            for c in columns))
    lines.append(', '.join(f'{name} {_percent(value)}' for name, value in figures.items()
                           if '/' not in name))
    return '\n'.join(lines)


def _percent(value: float) -> str:
    return '-' if value < 0 else f'{100 * value:.1f}'
