"""The network in onnxruntime: nothing of torch or OpenMMLab is imported."""
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..deployment import DenseArrays, InferenceRecipe, decode_dense, decode_keypoints
from ..deployment.recipe import INPUT_NAME, OUTPUT_NAMES
from ..structures import CropFrame, PersonMaps, PersonPose
from ..surface.charts import KEYPOINT_TWIN

INSTALL = ('install the extra `onnx`: pip install onnxruntime==1.23.2 (versions in '
           'requirements.txt)')
_READ = tuple(name for name in OUTPUT_NAMES if name != 'parts')
"""What the pose is decoded from."""


class Crop(NamedTuple):
    """A person, cut out of an image.

    Attributes:
        pixels: (h, w, 3) uint8 BGR.
        frame: where they lie in the image.
        box: (4,) float32 x1, y1, x2, y2.
        score: of the box.
    """

    pixels: np.ndarray
    frame: CropFrame
    box: np.ndarray
    score: float


class OnnxruntimeBackend:
    """Run a file of ``tools/export_onnx.py``, which has everything that inference needs.

    Keypoints, labels, U, V, both scores and the flip test are those of the PyTorch model.
    ``OMP_NUM_THREADS`` limits the threads, as it does with PyTorch.

    Args:
        path: of the ``.onnx`` file.
        device: ``'cpu'``, or ``'cuda'`` or ``'cuda:1'`` if onnxruntime was built for it; None
            takes CUDA if it is there.
        flip_test: average over the mirrored crop; None as the file says.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such model, onnxruntime cannot use the device, or the flip test is
            asked of a file without mirror table.
        ImportError: if onnxruntime is not installed.
    """

    def __init__(self, path: str, device: str | None = None,
                 flip_test: bool | None = None) -> None:
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such model')
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(f'backend onnxruntime: {error}; {INSTALL}') from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get('OMP_NUM_THREADS') or 0)
        options.log_severity_level = 3
        provider = _provider(device, onnxruntime.get_available_providers())
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
        except Exception as error:  # its errors have no common class of their own
            raise ValueError(f'{path}: onnxruntime cannot load it: {error}') from error
        try:
            self.recipe = InferenceRecipe.from_metadata(
                self.session.get_modelmeta().custom_metadata_map)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
        _check_graph(self.session, path)
        if flip_test and self.recipe.mirror_table is None:
            raise ValueError(f'{path} was exported without the flip test; tools/export_onnx.py '
                             '--cfg-options model.test_cfg.flip_test=True exports with it')
        if flip_test is not None:
            self.recipe = replace(self.recipe, flip_test=flip_test)

    def crop(self, image: np.ndarray, box: np.ndarray, score: float) -> Crop:
        """Cut a person out, with the padding that the network was trained with."""
        frame = CropFrame.around(box, self.recipe.input_size, self.recipe.padding)
        return Crop(frame.cut(image), frame, np.asarray(box, np.float32), float(score))

    def estimate(self, crops: Sequence[Crop]) -> list[PersonPose]:
        """Run the network on crops, and on their mirror images if it has the flip test."""
        inputs = self._inputs(crops)
        maps, flipped = self._run(inputs), None
        if self.recipe.flip_test:
            flipped = self._run(np.ascontiguousarray(inputs[..., ::-1]))
        return [self._decode(crop, {name: value[i] for name, value in maps.items()},
                             flipped and {name: value[i] for name, value in flipped.items()})
                for i, crop in enumerate(crops)]

    def _inputs(self, crops: Sequence[Crop]) -> np.ndarray:
        """Return (B, 3, h, w) float32 in the channel order and range of the graph."""
        pixels = np.stack([crop.pixels for crop in crops]).transpose(0, 3, 1, 2)
        if self.recipe.channel_order == 'rgb':
            pixels = pixels[:, ::-1]
        inputs = np.empty(pixels.shape, np.float32)
        mean, std = (np.float32(v).reshape(3, 1, 1) for v in (self.recipe.mean, self.recipe.std))
        np.subtract(pixels, mean, out=inputs)
        return np.divide(inputs, std, out=inputs)

    def _run(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(_READ, self.session.run(_READ, {INPUT_NAME: inputs})))

    def _decode(self, crop: Crop, maps: dict[str, np.ndarray],
                flipped: dict[str, np.ndarray] | None) -> PersonPose:
        recipe = self.recipe
        heatmaps, mirrored = maps.pop('keypoints'), None
        if flipped is not None:
            heatmaps = (heatmaps + flipped.pop('keypoints')[KEYPOINT_TWIN, :, ::-1]) / 2
            mirrored = DenseArrays(**flipped)
        labels, uv, confidence = decode_dense(
            DenseArrays(**maps), recipe.input_size, threshold=recipe.foreground_threshold,
            flipped=mirrored, mirror_table=recipe.mirror_table)
        cells, keypoint_scores = decode_keypoints(heatmaps, recipe.blur_kernel_size)
        # UDP lays the heat maps' grid edge to edge on the crop, unlike that of the dense maps.
        last_pixel, last_cell = np.subtract([recipe.input_size, recipe.grid_size], 1.)
        keypoints = crop.frame.to_image(cells / last_cell * last_pixel)
        score = crop.score * (confidence if recipe.score == 'box*dense' else 1.)
        return PersonPose(crop.box, score, keypoints, keypoint_scores,
                          PersonMaps(crop.frame, labels, uv.astype(np.float16)))


def _provider(device: str | None, available: Sequence[str]) -> str | tuple[str, dict]:
    """Return what onnxruntime calls a device that torch names so.

    Raises:
        ValueError: if it has no such device.
    """
    name, _, index = (device or '').partition(':')
    cuda = 'CUDAExecutionProvider'
    if name == 'cpu' or (not name and cuda not in available):
        return 'CPUExecutionProvider'
    if name in ('', 'cuda') and cuda in available and (not index or index.isdigit()):
        return cuda, {'device_id': int(index or 0)}
    raise ValueError(f'device {device!r} cannot be used with this onnxruntime; it has '
                     f'{", ".join(available)}')


def _check_graph(session, path: str) -> None:
    lacking = {*OUTPUT_NAMES, INPUT_NAME} - {
        node.name for node in (*session.get_inputs(), *session.get_outputs())}
    if lacking:
        raise ValueError(f'{path}: its graph has no {", ".join(sorted(lacking))}')
