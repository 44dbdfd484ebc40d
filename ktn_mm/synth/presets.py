"""Data sets that have a name: everything their bytes depend on, but the packages."""
from typing import NamedTuple


class Preset(NamedTuple):
    """The settings of a data set.

    Attributes:
        counts: pictures of each split.
        size: (w, h) of every picture.
        seed: where chance starts.
        staged: scenes are those of :mod:`staging`, not those of :mod:`scene`.
        digests: SHA-256 of each split's annotation file, where all its pictures are made.
    """

    counts: dict[str, int]
    size: tuple[int, int]
    seed: int
    staged: bool
    digests: dict[str, str]


PRESETS = {
    'open-body-v1': Preset({'train': 4000, 'val': 500, 'test': 500}, (320, 320), 1, True, {}),
}
