"""The rows of the open benchmark, and which row each is compared with."""
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = Path('configs/benchmark')
_BUDGET = '1xb16-10e_open-body-v1-128x96.py'


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: of the row, on the command line and in file names.
        group: name of the rows that belong together.
        title: what the network is.
        leaf: name of the config up to the schedule.
        before: name of the row that it is compared with, None for none.
        adds: what it has that the other one has not.
    """

    name: str
    group: str
    title: str
    leaf: str
    before: str | None = None
    adds: str = ''

    @property
    def config(self) -> Path:
        """The config, below the root of the clone."""
        return CONFIGS / f'{self.leaf}{_BUDGET}'


_MAIN, _FEW, _GRAPH, _INSTANCE, _SCRATCH, _OWN = (
    'main', 'points', 'graph', 'instance', 'res18', 'own')
GROUPS = {
    _MAIN: 'The rows of Table IX, and MID + KTM',
    _FEW: 'Fewer annotated points',
    _GRAPH: 'Graph and transformer (Table VI)',
    _INSTANCE: 'Instance strengthening',
    _SCRATCH: 'ResNet-18 from scratch',
    _OWN: 'Rows of your own'}
"""Name of a group -> its heading."""

ROWS = (
    Row('baseline', _MAIN, 'baseline', 'baseline_mobilenetv2_'),
    Row('mid', _MAIN, 'MID', 'mid_mobilenetv2_', 'baseline', 'MID'),
    Row('mid-interp', _MAIN, 'MID + Aug', 'mid_mobilenetv2_interp-', 'mid', 'Aug'),
    Row('ktn-interp', _MAIN, 'MID + Aug + KTM', 'ktn_mobilenetv2_interp-', 'mid-interp', 'KTM'),
    Row('ktm', _MAIN, 'KTM alone', 'ktm_mobilenetv2_', 'baseline', 'KTM'),
    Row('ktn', _MAIN, 'MID + KTM', 'ktn_mobilenetv2_', 'mid', 'KTM'),
    Row('mid-interp-points25', _FEW, 'MID + Aug, 25 % of the points',
        'mid_mobilenetv2_interp-points25-', 'mid-interp', '25 % of the points'),
    Row('ktn-interp-points25', _FEW, 'MID + Aug + KTM, 25 % of the points',
        'ktn_mobilenetv2_interp-points25-', 'mid-interp-points25', 'KTM'),
    Row('mid-interp-points10', _FEW, 'MID + Aug, 10 % of the points',
        'mid_mobilenetv2_interp-points10-', 'mid-interp', '10 % of the points'),
    Row('ktn-interp-points10', _FEW, 'MID + Aug + KTM, 10 % of the points',
        'ktn_mobilenetv2_interp-points10-', 'mid-interp-points10', 'KTM'),
    Row('mid-points10', _FEW, 'MID, 10 % of the points', 'mid_mobilenetv2_points10-', 'mid',
        '10 % of the points'),
    Row('ktn-points10', _FEW, 'MID + KTM, 10 % of the points', 'ktn_mobilenetv2_points10-',
        'mid-points10', 'KTM'),
    Row('ktn-average', _GRAPH, 'MID + Aug + KTM, average graph',
        'ktn-average_mobilenetv2_interp-', 'ktn-interp', 'average graph'),
    Row('ktn-no-transform', _GRAPH, 'MID + Aug + KTM, no transformer',
        'ktn-no-transform_mobilenetv2_interp-', 'ktn-interp', 'no transformer'),
    Row('ktn-no-is', _INSTANCE, 'MID + Aug + KTM, no IS', 'ktn-no-is_mobilenetv2_interp-',
        'ktn-interp', 'no IS'),
    Row('ktn-gate', _INSTANCE, 'MID + Aug + KTM, gate', 'ktn-gate_mobilenetv2_interp-',
        'ktn-interp', 'gate'),
    Row('baseline-res18', _SCRATCH, 'baseline, ResNet-18', 'baseline_res18_'),
    Row('ktn-interp-res18', _SCRATCH, 'MID + Aug + KTM, ResNet-18', 'ktn_res18_interp-',
        'baseline-res18', 'MID, Aug, KTM'))

PAIRS = tuple((row.before, row.name) for row in ROWS if row.adds == 'KTM')
"""Rows without and with KTM that differ in nothing else."""
REPLICATES = (('mid-points10', 'mid-interp-points10'), ('ktn-points10', 'ktn-interp-points10'))
"""Rows that differ in next to nothing: of so few points hardly any lie close enough for Aug."""


def row_of(name: str) -> Row:
    """Return the row of a name.

    Raises:
        ValueError: if there is none.
    """
    for row in ROWS:
        if row.name == name:
            return row
    raise ValueError(f'no row is called {name!r}; there are {", ".join(r.name for r in ROWS)}')


def groups() -> list[str]:
    """Return the names of the groups that have rows."""
    return list(dict.fromkeys(row.group for row in ROWS))


def choose_rows(words: list[str]) -> list[Row]:
    """Return the rows that names, names of groups or ``all`` stand for, in the table's order.

    Raises:
        ValueError: if a word is none of these.
    """
    names = set()
    for word in words:
        found = {r.name for r in ROWS if word in (r.name, r.group, 'all')}
        if not found:
            raise ValueError(f'{word!r} is no row and no group of rows; rows: '
                             f'{", ".join(r.name for r in ROWS)}; groups: '
                             f'{", ".join(groups())}, all')
        names |= found
    return [row for row in ROWS if row.name in names]
