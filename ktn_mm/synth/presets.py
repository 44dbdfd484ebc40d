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
    'open-body-v1': Preset({'train': 4000, 'val': 500, 'test': 500}, (320, 320), 1, True, {
        'train': '903b95bbc2088896f0d869d3f755358ff4269ad2ca7f1a17ea0f5bfb491d4d60',
        'val': 'ea2b24471e93b809261e4bc87fb8b46b10b14ebf4e382d6d27538dcd6b06a987',
        'test': '82e86e1a1ad01e5294578c8bf3b832f5f87d15bcbe8722686c26ac6608257bd4'}),
}
