"""A diagnosis and part figures as text to read in a log."""
from collections.abc import Sequence

import numpy as np

from ktn_mm.evaluation.bottleneck import FIGURES
from ktn_mm.evaluation.diagnosis import Diagnosis
from ktn_mm.evaluation.part_figures import PartFigures
from ktn_mm.evaluation.point_errors import PointErrors
from ktn_mm.surface.charts import PARTS

COLUMNS = {
    'points': ('points', 'd'), 'foreground_recall': ('found', '%'),
    'surface_accuracy': ('surface', '%'), 'part_type_accuracy': ('type', '%'),
    'left_right_accuracy': ('L/R', '%'), 'front_back_accuracy': ('F/B', '%'),
    'u_mse': ('U MSE', '.3f'), 'v_mse': ('V MSE', '.3f'), 'geodesic_error': ('geo cm', 'cm'),
    'geodesic_error_found': ('found cm', 'cm'), 'point_score': ('score', '%')}
"""Field of :class:`~ktn_mm.evaluation.point_errors.PointErrors` -> its heading and format."""


def diagnosis_table(diagnosis: Diagnosis) -> str:
    """Lay out a diagnosis as tables of aligned columns, a dash where there is no value."""
    blocks = [
        f'{diagnosis.persons} annotated persons, {diagnosis.missed_persons} of them touched by '
        f'no box; {diagnosis.detections} detections',
        'Shares in percent; found: on any surface; surface: recall of the right one; type: right '
        'kind of part,\nof those found; L/R, F/B: right side, face, of those of the right kind; '
        'U, V, geo: over points on the\nright surface, found cm: over points found; score: share '
        'of what GPS could be.']
    blocks += [_errors(name, table) for name, table in diagnosis.errors.items()]
    ladder = diagnosis.bottleneck
    rows = [[name, *(_show(v, '%') for v in (*ladder.gps[r], *ladder.gpsm[r]))]
            for r, name in enumerate(ladder.rows)]
    heads = [f'{kind} {name}' for kind in ('GPS', 'GPSm') for name in FIGURES]
    blocks.append(_align(['replaced by truth', *heads], rows))
    return '\n\n'.join(blocks)


def parts_table(figures: PartFigures) -> str:
    """Lay out part segmentation: the summary and the IoU of every part, in percent."""
    summary = ', '.join(f'{name.split("/")[1]} {_show(value, "%")}'
                        for name, value in figures.to_dict().items())
    names = ['background', *(p.name for p in PARTS)]
    rows = [[name, _show(value, '%')] for name, value in zip(names, figures.iou, strict=True)]
    return f'part segmentation: {summary}\n' + _align(['part', 'IoU'], rows)


def _errors(name: str, table: PointErrors) -> str:
    rows = [[row, *(_show(getattr(table, field)[r], how)
                    for field, (_, how) in COLUMNS.items())]
            for r, row in enumerate(table.names)]
    return _align([name, *(head for head, _ in COLUMNS.values())], rows)


def _align(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align the first column left, the others right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return '\n'.join(
        '  '.join([row[0].ljust(widths[0]), *(v.rjust(w) for v, w in zip(row[1:], widths[1:]))])
        for row in (heads, *rows))


def _show(value: float, how: str) -> str:
    if how == 'd':
        return str(int(value))
    if np.isnan(value) or value < 0:
        return '-'
    return {'%': f'{100 * value:.1f}', 'cm': f'{100 * value:.1f}'}.get(how) or f'{value:{how}}'
