"""One model in PyTorch and in onnxruntime."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model

from ktn_mm.apis import DensePoseInferencer, read_picture
from ktn_mm.apis.onnx_export import PARITY, export_onnx, recipe_of
from ktn_mm.apis.onnxruntime_backend import OnnxruntimeBackend, _provider
from ktn_mm.cli import main
from ktn_mm.deployment import DenseArrays
from ktn_mm.deployment import decode_dense as decode_arrays
from ktn_mm.models.heads.decoding import DenseMaps, decode_dense
from ktn_mm.surface.charts import SURFACES

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPH = ROOT / 'docs/images/shipped_photograph.jpg'
TORCH = {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmpose', 'mmdet', 'onnx'}
BOXES = [[10, 5, 140, 185, .9], [70.5, 10.2, 199.1, 280.7, .5],
         [-30, 50, 500, 900], [5, 5, 9, 40]]


def make(folder, config, changes=None):
    """Write config, weights and ONNX file of a small network whose heat maps have peaks."""
    torch.manual_seed(0)
    config = Config.fromfile(config)
    config.model.backbone.init_cfg = None
    config.merge_from_dict(changes or {})
    model = init_model(config, device='cpu')
    with torch.no_grad():
        predictors = model.head.predictors
        predictors['keypoints'].weight.normal_(std=.02)
        predictors['u'].weight.normal_(std=.03)
        predictors['v'].weight.normal_(std=.03)
    config.dump(folder / 'config.py')
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    found = export_onnx(model, folder / 'model.onnx')
    assert len(found) == 6 and 0 < found[0].share < 1e-5
    assert not list(folder.glob('.*'))
    return folder


@pytest.fixture(scope='module')
def model(tmp_path_factory, config):
    return make(tmp_path_factory.mktemp('plain'), config)


@pytest.fixture(scope='module')
def flip_model(tmp_path_factory, config):
    """With all that decoding knows: the flip test, a score of the maps, threshold, bigger crop."""
    codec = dict(input_size=(64, 96), output_size=(32, 48))
    pipeline = Config.fromfile(config).test_dataloader.dataset.pipeline
    step = next(i for i, s in enumerate(pipeline) if s.type == 'DensePoseTopdownAffine')
    return make(tmp_path_factory.mktemp('flip'), config, {
        'model.test_cfg.flip_test': True, 'model.test_cfg.score': 'box*dense',
        'model.head.decoder': codec, 'model.head.foreground_threshold': .4,
        'model.data_preprocessor.bgr_to_rgb': False,
        f'test_dataloader.dataset.pipeline.{step}.input_size': codec['input_size'],
        f'test_dataloader.dataset.pipeline.{step - 1}.padding': 1.1})


def both(folder, image, boxes):
    config, weights, graph = (str(folder / name) for name in
                              ('config.py', 'model.pth', 'model.onnx'))
    theirs, = DensePoseInferencer(config, weights, device='cpu', batch_size=3)(image, bboxes=boxes)
    ours, = DensePoseInferencer(graph, batch_size=3)(image, bboxes=boxes)
    return theirs, ours


def steady_keypoints(folder, image, boxes):
    """Tell which keypoints (N, 17) PyTorch itself gives to 1e-4 when weights are rounded anew.

    Random heat may be flat where it is highest: there the step to the top multiplies rounding by
    the inverse of a curvature of nearly 0, and no two ways to compute it agree.
    """
    inferencer = DensePoseInferencer(str(folder / 'config.py'), str(folder / 'model.pth'),
                                     device='cpu', batch_size=3)
    weight = inferencer.backend.model.head.predictors['keypoints'].weight
    exact, found = weight.detach().clone(), []
    rng = torch.Generator().manual_seed(0)
    for _ in range(4):
        noise = torch.randn(weight.shape, generator=rng)
        weight.data = exact * (1 + 3e-6 * noise)
        result, = inferencer(image, bboxes=boxes)
        found.append(result.keypoints)
    extent = np.ptp(found[0], axis=1).max(1)[:, None]
    return np.ptp(found, axis=0).max(-1) / extent <= PARITY


@pytest.mark.parametrize('files', [('config.py', 'model.pth'), ('model.onnx',)], ids=len)
def test_the_flip_test_is_switched_on_and_off(flip_model, files):
    image, twins = read_picture(PHOTOGRAPH)[:, :200], [0, *(s.twin for s in SURFACES)]
    assert image.shape[1] == 200
    pictures = [image, np.ascontiguousarray(image[:, ::-1])]

    def share_that_mirrors(flip_test):
        inferencer = DensePoseInferencer(*(str(flip_model / name) for name in files),
                                         device='cpu', flip_test=flip_test)
        # The middle of the box is that of the picture's pixels, 0 to 199.
        one, other = (result.to_image()[..., 0] for result in
                      inferencer(pictures, bboxes=[[20, 20, 179, 260]]))
        shown = one > 0
        return (np.take(twins, one) == other[:, ::-1])[shown].mean()

    asked, default, without = map(share_that_mirrors, (True, None, False))
    assert asked == default > .98 > .6 > without


def test_the_flip_test_needs_a_mirror_table(model):
    with pytest.raises(ValueError, match='was exported without the flip test; '):
        DensePoseInferencer(str(model / 'model.onnx'), flip_test=True)
    DensePoseInferencer(str(model / 'model.onnx'), flip_test=False)


@pytest.mark.parametrize('kind', ['model', 'flip_model'])
def test_the_same_people_as_with_pytorch(kind, request):
    folder, image = request.getfixturevalue(kind), read_picture(PHOTOGRAPH)
    theirs, ours = both(folder, image, BOXES)
    np.testing.assert_array_equal(ours.boxes, theirs.boxes)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=PARITY)
    np.testing.assert_allclose(ours.keypoint_scores, theirs.keypoint_scores,
                               atol=PARITY * np.ptp(theirs.keypoint_scores))
    extent = np.ptp(theirs.keypoints, axis=1).max(1)[:, None, None]
    apart = np.abs(ours.keypoints - theirs.keypoints) / extent
    steady = steady_keypoints(folder, image, BOXES)
    assert steady.mean() > .9 and (apart[steady] <= PARITY).all()
    shown = 0
    for mine, other in zip(ours.people, theirs.people):
        assert mine.frame == other.frame
        same = mine.labels == other.labels
        assert same.mean() > .9995
        # both keep U and V in half precision, where neighbours are up to 2^-11 apart
        difference = np.abs(mine.uv.astype(float) - other.uv)[:, same]
        assert difference.max() <= 2**-11 and (difference > 0).mean() < .01
        shown += (mine.labels > 0).sum()
    assert shown > 3000
    if kind == 'flip_model':
        assert (np.abs(ours.scores - [.9, .5, 1, 1]) > .01).all()


@pytest.mark.parametrize('kind', ['model', 'flip_model'])
def test_maps_before_they_are_rounded(kind, request):
    """U and V to 1e-4, in single precision, on the same crops."""
    folder, image = request.getfixturevalue(kind), read_picture(PHOTOGRAPH)
    backend = OnnxruntimeBackend(str(folder / 'model.onnx'))
    network = init_model(str(folder / 'config.py'), str(folder / 'model.pth'), device='cpu')
    crops = [backend.crop(image, np.float32(box[:4]), 1.) for box in BOXES[:2]]
    theirs = torch.from_numpy(np.stack([c.pixels for c in crops])).permute(0, 3, 1, 2)
    inputs = network.data_preprocessor(dict(inputs=list(theirs), data_samples=[]))['inputs']
    ours = backend._inputs(crops)
    np.testing.assert_allclose(ours, inputs.numpy(), atol=1e-6)

    def maps(x):
        found = network.head(network.extract_feat(x))
        return DenseMaps(found[0], *found[3:6])
    flip, threshold = backend.recipe.flip_test, network.head.foreground_threshold
    with torch.no_grad():
        expected = decode_dense(
            maps(inputs), backend.recipe.input_size, threshold=threshold,
            flipped=maps(inputs.flip(-1)) if flip else None,
            mirror_table=network.head.mirror_table(torch.device('cpu')) if flip else None)
    found = backend._run(ours)
    mirrored = backend._run(np.ascontiguousarray(ours[..., ::-1])) if flip else None
    for i in range(2):
        arrays = [m and DenseArrays(*(m[n][i] for n in DenseArrays._fields))
                  for m in (found, mirrored)]
        labels, uv, _ = decode_arrays(arrays[0], backend.recipe.input_size, threshold=threshold,
                                      flipped=arrays[1], mirror_table=backend.recipe.mirror_table)
        same = labels == expected.labels[i].numpy()
        assert same.mean() > .9995
        np.testing.assert_allclose(uv[:, same], expected.uv[i].numpy()[:, same], atol=PARITY)


def test_nothing_of_torch_is_imported(model):
    """From the picture to the file, by the command, in a process that had nothing before."""
    script = ('import sys; sys.argv[0] = "ktn-mm"; from ktn_mm.cli import main; '
              'code = main(sys.argv[1:]); '
              'print(sorted({m.split(".")[0] for m in sys.modules})); sys.exit(code)')
    arguments = ['infer', str(PHOTOGRAPH), '--out', str(model / 'out'), '--whole-image', '--save',
                 'iuv,overlay,npz,json,keypoints', '--model', str(model / 'model.onnx')]
    run = subprocess.run([sys.executable, '-c', script, *arguments], capture_output=True,
                         text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    imported = set(json.loads(run.stdout.splitlines()[-1].replace("'", '"')))
    assert {'onnxruntime', 'cv2', 'numpy'} <= imported and not imported & TORCH
    with np.load(model / 'out' / f'{PHOTOGRAPH.stem}.npz') as arrays:
        assert arrays['iuv'][..., 0].any()


def test_the_command_takes_both_backends(model, tmp_path, capsys):
    files = []
    for name, of in (('pytorch', ['config.py', 'model.pth']), ('onnxruntime', ['model.onnx'])):
        files.append(tmp_path / name / f'{PHOTOGRAPH.stem}.npz')
        assert main(['infer', str(PHOTOGRAPH), '--out', str(tmp_path / name), '--whole-image',
                     '--save', 'npz', '--backend', name,
                     '--model', *(str(model / file) for file in of)]) == 0
    theirs, ours = (np.load(file)['iuv'].astype(int) for file in files)
    assert (theirs[..., 0] == ours[..., 0]).mean() > .999 and ours.any()
    capsys.readouterr()
    arguments = ['infer', str(PHOTOGRAPH), '--out', str(tmp_path), '--whole-image', '--backend']
    for backend, of, reason in (
            ('pytorch', ['model.onnx'], 'takes a config, not an ONNX file'),
            ('onnxruntime', ['config.py', 'model.pth'], 'takes the .onnx file'),
            ('onnxruntime', ['model.onnx', 'model.pth'], 'no use for the checkpoint')):
        assert main([*arguments, backend, '--model', *(str(model / f) for f in of)]) == 1
        assert reason in capsys.readouterr().err


def test_files_that_are_no_models(model, tmp_path):
    with pytest.raises(FileNotFoundError, match='none.onnx'):
        OnnxruntimeBackend(str(tmp_path / 'none.onnx'))
    (tmp_path / 'text.onnx').write_text('no graph')
    with pytest.raises(ValueError, match='text.onnx: onnxruntime cannot load it'):
        OnnxruntimeBackend(str(tmp_path / 'text.onnx'))
    graph = onnx.load(model / 'model.onnx')
    recipe = recipe_of(init_model(str(model / 'config.py'), device='cpu'))
    for i, (metadata, reason) in enumerate([({}, 'no format'),
                                            (recipe.to_metadata() | dict(std='[]'), 'std must be')
                                            ]):
        del graph.metadata_props[:]
        onnx.helper.set_model_props(graph, metadata)
        onnx.save(graph, tmp_path / f'{i}.onnx')
        with pytest.raises(ValueError, match=f'{i}.onnx: .*{reason}'):
            OnnxruntimeBackend(str(tmp_path / f'{i}.onnx'))


def test_devices():
    cpu, cuda = ['CPUExecutionProvider'], ['CUDAExecutionProvider', 'CPUExecutionProvider']
    assert _provider(None, cpu) == _provider('cpu', cuda) == cpu[0]
    assert _provider('cuda:1', cuda) == (cuda[0], {'device_id': 1})
    assert _provider(None, cuda) == (cuda[0], {'device_id': 0})
    for device, available in (('cuda', cpu), ('mps', cuda), ('cuda:x', cuda)):
        with pytest.raises(ValueError, match=f"device '{device}' cannot be used"):
            _provider(device, available)


def test_a_pipeline_that_does_something_else_is_refused(config):
    config = Config.fromfile(config)
    config.model.backbone.init_cfg = None
    network = init_model(config, device='cpu')
    network.cfg.test_dataloader.dataset.pipeline.insert(1, dict(type='PhotometricDistortion'))
    with pytest.raises(ValueError, match='do nothing else, got .*PhotometricDistortion'):
        recipe_of(network)
