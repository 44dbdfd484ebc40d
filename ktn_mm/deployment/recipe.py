"""What inference needs besides the network's graph."""
import base64
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..surface.charts import NUM_SURFACES
from ..version import __version__

FORMAT = 'ktn_mm dense pose 1'
"""Value of the key ``format`` in the files' metadata."""
INPUT_NAME = 'crops'
OUTPUT_NAMES = ('mask', 'parts', 'keypoints', 'surfaces', 'u', 'v')
"""What a graph returns, in the order of :class:`ktn_mm.models.DensePoseHead`'s outputs."""
TABLE_SHAPE = (2, NUM_SURFACES + 1, 256, 256)

_PLAIN = ('format', 'mirror_table')


@dataclass
class InferenceRecipe:
    """How to come from an image and a box to the graph's input, and from its output to a pose.

    Attributes:
        name: of the model.
        input_size: (w, h) of the crop in pixels.
        grid_size: (W, H) of the maps; cell i lies at crop pixel (i + 0.5) * w / W - 0.5.
        padding: factor of the box's sides before the crop is cut.
        mean: (3,), taken off the crop's channels, 0..255, in the order that the graph wants.
        std: (3,), by which they are divided then.
        channel_order: that the graph wants, ``'rgb'`` or ``'bgr'``.
        foreground_threshold: of the person's probability.
        score: ``'box'``, or ``'box*dense'``: times the mean probability of the person.
        blur_kernel_size: of the keypoints' decoding, in cells, odd.
        flip_test: average over the crop and its mirror image.
        mirror_table: (2, 25, 256, 256) float32 U and V of the mirrored point of every surface,
            V and U; only with ``flip_test``.
        dataset_meta: names of keypoints and what else an application may want to know.
        version: of ktn_mm, that wrote the file.

    Raises:
        ValueError: if a field has another type, length or range; names it.
    """

    name: str
    input_size: tuple[int, int]
    grid_size: tuple[int, int]
    padding: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channel_order: str
    foreground_threshold: float
    score: str
    blur_kernel_size: int
    flip_test: bool = False
    mirror_table: np.ndarray | None = field(default=None, repr=False)
    dataset_meta: dict[str, Any] = field(default_factory=dict)
    version: str = __version__

    def __post_init__(self) -> None:
        for name, length, kind in (('input_size', 2, int), ('grid_size', 2, int),
                                   ('mean', 3, float), ('std', 3, float)):
            setattr(self, name, _numbers(name, getattr(self, name), length, kind))
        for name in ('padding', 'foreground_threshold', 'blur_kernel_size'):
            _numbers(name, [getattr(self, name)], 1, float)
        for name in ('input_size', 'grid_size', 'std'):
            if min(getattr(self, name)) <= 0:
                raise ValueError(f'{name} must be positive, got {getattr(self, name)}')
        wrong = {
            'padding': self.padding <= 0,
            'channel_order': self.channel_order not in ('rgb', 'bgr'),
            'foreground_threshold': not 0 <= self.foreground_threshold < 1,
            'score': self.score not in ('box', 'box*dense'),
            'blur_kernel_size': self.blur_kernel_size % 2 != 1 or self.blur_kernel_size < 1,
            'flip_test': not isinstance(self.flip_test, bool),
            'dataset_meta': not isinstance(self.dataset_meta, dict),
        }
        for name, refused in wrong.items():
            if refused:
                raise ValueError(f'{name} cannot be {getattr(self, name)!r:.80}')
        if self.flip_test and np.shape(self.mirror_table) != TABLE_SHAPE:
            raise ValueError(f'flip_test needs a mirror_table of shape {TABLE_SHAPE}, got '
                             f'{np.shape(self.mirror_table)}')

    def to_metadata(self) -> dict[str, str]:
        """Return the recipe as strings: JSON, the table as base64 of an ``.npz`` file."""
        metadata = {'format': FORMAT}
        metadata |= {name: json.dumps(value) for name, value in asdict(self).items()
                     if name not in _PLAIN}
        if self.mirror_table is not None:
            file = io.BytesIO()
            np.savez_compressed(file, table=self.mirror_table.astype(np.float32))
            metadata['mirror_table'] = base64.b64encode(file.getvalue()).decode('ascii')
        return metadata

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> 'InferenceRecipe':
        """Read a recipe.

        Raises:
            ValueError: if it is none of ours, or a field is missing or broken; names it.
        """
        if metadata.get('format') != FORMAT:
            raise ValueError(f'its metadata have no format {FORMAT!r}, which those of '
                             'tools/export_onnx.py have')
        values = {}
        for name in (f.name for f in fields(cls) if f.name not in _PLAIN):
            if name not in metadata:
                raise ValueError(f'its metadata lack {name!r}')
            try:
                values[name] = json.loads(metadata[name])
            except ValueError as error:
                raise ValueError(f'its metadata have a broken {name!r}: {error}') from error
        if 'mirror_table' in metadata:
            values['mirror_table'] = _read_table(metadata['mirror_table'])
        return cls(**values)


def _numbers(name: str, values: Any, length: int, kind: type) -> tuple:
    try:
        numbers = tuple(kind(value) for value in values)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != length or not np.isfinite(numbers).all():
        raise ValueError(f'{name} must be {length} finite numbers, got {values!r:.80}')
    return numbers


def _read_table(text: str) -> np.ndarray:
    try:
        with np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False) as file:
            return file['table']
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise ValueError(f"its metadata have a broken 'mirror_table': {error}") from error
