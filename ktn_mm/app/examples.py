"""Example pictures: rendered on the spot, and a photograph in the public domain."""
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

SIDE = 480
SEEDS = {'walking': 2, 'two people': 6, 'close by': 1}
"""Name of a rendered example -> where its chance starts."""


class Example(NamedTuple):
    """A picture to try.

    Attributes:
        name: to show, and of its file.
        picture: (h, w, 3) uint8 RGB.
        boxes: x1, y1, x2, y2 of its people.
        credit: where it comes from.
    """

    name: str
    picture: np.ndarray
    boxes: list[list[int]]
    credit: str


def make_examples() -> Iterator[Example]:
    """Yield the examples; without scikit-image there is no photograph."""
    try:
        from skimage.data import astronaut
    except ImportError:
        pass
    else:
        yield Example('astronaut', astronaut(), [[20, 0, 460, 512]],
                      'Astronaut: NASA, public domain.')
    for name, seed in SEEDS.items():
        yield _render(name, seed)


def _render(name: str, seed: int) -> Example:
    """Draw synthetic people before a panorama; no photograph from elsewhere is in it."""
    from ..synth.body import open_body
    from ..synth.garments import Tailor
    from ..synth.picture import draw_picture
    from ..synth.scene import draw_scene
    body, rng = open_body(), np.random.default_rng(seed)
    tailor = Tailor(body)
    scene = draw_scene(rng, 'test', (SIDE, SIDE), body, tailor, use_photos=False)
    picture, labels = draw_picture(scene, body, tailor, rng)
    boxes = []
    for number in range(1, len(scene.people) + 1):
        rows, columns = np.nonzero(labels.person == number)
        if len(rows):
            boxes.append([int(columns.min()), int(rows.min()), int(columns.max()) + 1,
                          int(rows.max()) + 1])
    return Example(name, picture, boxes,
                   'The others: rendered by ktn_mm.synth before panoramas of Poly Haven (CC0).')
