"""The knowledge transfer machine (KTM)."""
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from ktn_mm.knowledge import SOURCES, build_graph
from ktn_mm.surface.charts import NUM_KEYPOINTS, NUM_PARTS, NUM_SURFACES

_SOURCE_ROWS = dict(keypoint=NUM_KEYPOINTS, part=NUM_PARTS + 1)


@MODELS.register_module()
class KnowledgeTransferMachine(BaseModule):
    """Make the surface predictor out of the predictors of better learnt tasks.

    Every source n has a predictor of rows W_n. The commonsense graph G_n gathers them into one
    row per surface, A_n = G_n W_n, and a transformer turns the gathered rows into the surface
    predictor, W_s = f([A_kpt, A_loc, A_part] W_t) W_I. The sources' predictors are live: the
    surface loss reaches them; only location knowledge from a file is frozen.

    Legend: S = 25 surfaces with background, C channels, k kernel size, D = C k k the length of
    one predictor row.

    Source: paper Eq. 4, Tables V, VI, XII; biases and the learnable graph as in the official
    code. ``residual`` is ours.

    Args:
        channels: C. A head fills it in.
        kernel_size: k of the predictors' deconvolutions. Defaults to 4.
        sources: Any of 'keypoint', 'location', 'part'. KTMv1 is ('keypoint', ). Defaults to all.
        graph: ``'semantic'``, ``'average'``, or the ``.npz`` that tools/build_knowledge_graph.py
            writes. Defaults to ``'semantic'``.
        recipe: ``'paper'`` or ``'official'``, how a semantic graph is computed. Defaults to
            ``'paper'``.
        learnable_graph: Train the graphs too. Defaults to True.
        transform: False takes the mean of the gathered rows as the surface predictor (Table VI,
            graph only); every source's rows must then have length D. Defaults to True.
        residual: Add a free kernel, zero at the start, so that the graph is a prior that data
            may leave. Defaults to False.
        location_file: ``.npz`` whose array ``weights`` (n, D_loc) holds rows of a person
            detector: person minus background first, then the box regressor's. Frozen. By default
            the body mask's predictor serves, as one live row, person minus background.
        location_shape: (n, D_loc) of the rows when they come from a checkpoint and not from a
            file. Training without any is refused.
        negative_slope: of the LeakyReLU. Defaults to 0.2.

    Raises:
        ValueError: if an argument is none of the above or of no use, or a file does not fit.
        FileNotFoundError: if a file is missing.
    """

    def __init__(self,
                 channels: int,
                 kernel_size: int = 4,
                 *,
                 sources: Sequence[str] = SOURCES,
                 graph: str = 'semantic',
                 recipe: str = 'paper',
                 learnable_graph: bool = True,
                 transform: bool = True,
                 residual: bool = False,
                 location_file: str | None = None,
                 location_shape: tuple[int, int] | None = None,
                 negative_slope: float = 0.2,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg or dict(
            type='Kaiming', layer='Linear', mode='fan_out', nonlinearity='relu'))
        unknown = [s for s in sources if s not in SOURCES]
        if unknown or not sources or len(set(sources)) != len(sources):
            raise ValueError(f'sources must be different ones of {SOURCES}, got {tuple(sources)}')
        if graph != 'semantic' and recipe != 'paper':
            raise ValueError(f"recipe={recipe!r} is of no use: it is how graph='semantic' is "
                             f'computed, and graph is {graph!r}')
        self.sources = tuple(s for s in SOURCES if s in sources)
        self.channels = channels
        self.kernel_size = kernel_size
        self.row_length = channels * kernel_size**2
        self.negative_slope = negative_slope

        self.register_buffer('location', None)
        self._awaits_location = location_shape is not None and location_file is None
        if location_file is not None or location_shape is not None:
            if 'location' not in self.sources:
                raise ValueError("location_file and location_shape need 'location' among the "
                                 f'sources, got {self.sources}')
            shape = None if location_shape is None else tuple(location_shape)
            if shape is not None and (len(shape) != 2 or min(shape) < 1):
                raise ValueError(f'location_shape must be (rows, length), got {shape}')
            self.location = (torch.zeros(shape) if location_file is None
                             else load_location(location_file))
            if shape not in (None, tuple(self.location.shape)):
                raise ValueError(f'{location_file}: weights of shape '
                                 f'{tuple(self.location.shape)}, location_shape says {shape}')
        lengths = [self.row_length] * len(self.sources)
        if self.location is not None:
            lengths[self.sources.index('location')] = self.location.shape[1]

        self.graphs = nn.ParameterDict()
        for source in self.sources:
            matrix = self._initial_graph(source, graph, recipe)
            self.graphs[source] = nn.Parameter(torch.from_numpy(matrix), learnable_graph)
        self.transform_in = self.transform_out = None
        if transform:
            self.transform_in = nn.Linear(sum(lengths), self.row_length)
            self.transform_out = nn.Linear(self.row_length, self.row_length)
        elif set(lengths) != {self.row_length}:
            raise ValueError(
                f'transform=False needs rows of length {self.row_length} from every source, but '
                f"the location's have length {self.location.shape[1]}")
        self.residual = nn.Parameter(
            torch.zeros(NUM_SURFACES + 1, self.row_length)) if residual else None
        self._cache: tuple | None = None

    def _initial_graph(self, source: str, graph: str, recipe: str) -> np.ndarray:
        rows = _SOURCE_ROWS.get(source, 1)
        if source == 'location' and self.location is not None:
            rows = len(self.location)
        if graph in ('semantic', 'average'):
            return build_graph(source, kind=graph, recipe=recipe, location_rows=rows)
        if not isinstance(graph, str | Path):
            raise ValueError(f"graph must be 'semantic', 'average' or an .npz file, got {graph!r}")
        if not Path(graph).is_file():
            raise FileNotFoundError(
                f"graph must be 'semantic', 'average' or an .npz file, and there is no {graph!r}")
        matrix = _read_numbers(graph, source)
        if source == 'location' and matrix.shape[1:] == (1, ):
            matrix = np.repeat(matrix, rows, 1)
        if matrix.shape != (NUM_SURFACES + 1, rows):
            raise ValueError(f'{graph}: {source} has shape {matrix.shape}, '
                             f'not {(NUM_SURFACES + 1, rows)}')
        return matrix

    def forward(self, keypoint: Tensor, part: Tensor, mask: Tensor) -> Tensor:
        """Make the surface predictor's kernel.

        In evaluation without gradients the kernel is kept until a weight that it depends on
        changes; :meth:`DensePoseHead.fold` does away with the machine altogether.

        Args:
            keypoint: (C, 17, k, k), kernel of the keypoints' deconvolution.
            part: (C, 15, k, k), of the parts'.
            mask: (C, 2, k, k), of the body mask's, person in channel 1.

        Returns:
            (C, 25, k, k), for a deconvolution without bias.

        Raises:
            ValueError: if a kernel has another shape, or location knowledge is missing.
        """
        self._check(keypoint=keypoint, part=part, mask=mask)
        if self.training and self._awaits_location:
            if not self.location.any():
                raise ValueError('KnowledgeTransferMachine: location_shape says that a checkpoint '
                                 'brings the rows of the location, and none was loaded')
            self._awaits_location = False
        if self.training or torch.is_grad_enabled() or torch.jit.is_tracing():
            return self.make_kernel(keypoint, part, mask)
        weights = [keypoint, part, mask, *self.parameters(), *self.buffers()]
        if self._cache is None or not self._cache[0].matches(weights):
            self._cache = _Fingerprint(weights), self.make_kernel(keypoint, part, mask)
        return self._cache[1]

    def make_kernel(self, keypoint: Tensor, part: Tensor, mask: Tensor) -> Tensor:
        """Return :meth:`forward`'s kernel, computed now."""
        # a sum over thousands of products: float32 even under autocast
        with torch.autocast(keypoint.device.type, enabled=False):
            gathered = [*self.gather(keypoint, part, mask).values()]
            if self.transform_in is None:
                surface = sum(gathered) / len(gathered)
            else:
                hidden = self.transform_in(torch.cat(gathered, 1))
                surface = self.transform_out(F.leaky_relu(hidden, self.negative_slope))
            if self.residual is not None:
                surface = surface + self.residual
        return rows_to_kernel(surface, self.kernel_size)

    def gather(self, keypoint: Tensor, part: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return what the graph of every source gathers, A_n = G_n W_n, from :meth:`forward`'s
        kernels: source -> (25, D), or (25, D_loc) for frozen location knowledge.
        """
        rows = dict(keypoint=kernel_to_rows(keypoint), part=kernel_to_rows(part))
        # the one direction that the mask's two rows do not cancel in a softmax
        rows['location'] = kernel_to_rows(mask[:, 1:] - mask[:, :1]) \
            if self.location is None else self.location
        return {source: self.graphs[source] @ rows[source] for source in self.sources}

    def _check(self, **kernels: Tensor) -> None:
        if torch.jit.is_tracing():
            return
        rows = dict(_SOURCE_ROWS, mask=2)
        for name, kernel in kernels.items():
            expected = (self.channels, rows[name], self.kernel_size, self.kernel_size)
            if kernel.shape != expected:
                raise ValueError(
                    f'KnowledgeTransferMachine was built with channels={self.channels} and '
                    f'kernel_size={self.kernel_size}, for a {name} kernel of {expected}, got '
                    f'{tuple(kernel.shape)}')

    def train(self, mode: bool = True) -> 'KnowledgeTransferMachine':
        self._cache = None
        return super().train(mode)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        self._cache = None
        super()._load_from_state_dict(*args, **kwargs)


class _Fingerprint:
    """Tell whether weights are still those that were seen.

    Version counters see every in-place change but those through ``.data``, which exponential
    moving averages use. Those are seen by the values themselves: all of them in the graphs and
    the sources' kernels, and some of the transformer's many, which an average changes together.
    """

    WHOLE, PROBES = 2**18, 64
    """Up to how many values a tensor is compared as a whole; about how many of a larger one."""

    def __init__(self, weights: list[Tensor]) -> None:
        self.marks = self._marks(weights)
        self.values = self._values(weights)

    def matches(self, weights: list[Tensor]) -> bool:
        marks = self._marks(weights)
        return None not in marks and marks == self.marks \
            and torch.equal(self._values(weights), self.values)

    @staticmethod
    def _marks(weights: list[Tensor]) -> list[tuple | None]:
        # tensors made in inference mode keep no version: they are never trusted
        return [None if w.is_inference() else (w.data_ptr(), w._version) for w in weights]

    @classmethod
    def _values(cls, weights: list[Tensor]) -> Tensor:
        flat = [w.detach().reshape(-1) for w in weights]
        return torch.cat([w[::1 if len(w) <= cls.WHOLE else len(w) // cls.PROBES].float()
                          for w in flat])


def kernel_to_rows(kernel: Tensor) -> Tensor:
    """Lay out a deconvolution's kernel (C, n, k, k) as n rows (n, C k k)."""
    return kernel.transpose(0, 1).flatten(1)


def rows_to_kernel(rows: Tensor, kernel_size: int) -> Tensor:
    """Invert :func:`kernel_to_rows`."""
    return rows.unflatten(1, (-1, kernel_size, kernel_size)).transpose(0, 1).contiguous()


def load_location(path: str) -> Tensor:
    """Read the rows (n, D_loc) float32 of a person detector; see ``location_file`` of KTM."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'no location knowledge at {path}; tools/extract_location_knowledge.py writes it, and '
            'a network whose checkpoint holds it needs location_shape=(rows, length) instead')
    weights = _read_numbers(path, 'weights')
    if weights.ndim != 2 or 0 in weights.shape:
        raise ValueError(f'{path}: weights must have the shape (rows, length), '
                         f'got {weights.shape}')
    return torch.from_numpy(weights)


def _read_numbers(path: str, name: str) -> np.ndarray:
    """Read one array of an ``.npz`` as float32; whatever is wrong names the file."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f'{path}: not an .npz file')
    try:
        with np.load(path) as arrays:
            if name not in arrays:
                raise ValueError(f'no array {name!r}, only {list(arrays)}')
            array = arrays[name]
    except (ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f'{path}: {error}') from error
    if array.dtype.kind not in 'fiu':
        raise ValueError(f'{path}: {name} holds {array.dtype}, not numbers')
    with np.errstate(over='ignore'):  # too large is not finite
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f'{path}: {name} holds numbers that are not finite')
    return array
