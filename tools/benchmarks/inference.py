"""Measure what inference costs: every step, every part of the network, both backends, memory.

    python tools/benchmarks/inference.py --out inference.json
    python tools/benchmarks/inference.py --only pictures --threads 2

Networks have random weights and no flip test; KTM is folded. Times are medians of interleaved
runs. All but those of whole pictures are processor seconds of one thread, so that other work on
the machine counts little; whole pictures are wall time, which needs a quiet machine. People are
drawn figures where labels are pasted, since random labels are like nobody.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from peak_memory import peak_mb

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before torch and onnxruntime are imported
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

LEAVES = {'KTN': 'ktn_res50_1xb32-60e_open-body-256x192',
          'lean KTN': 'ktn-lean_res50_1xb32-60e_open-body-256x192'}
SMALL = 'ktn_mobilenetv2_1xb16-demo_open-body-128x96'
PEER = 'body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py'
DETECTRON2 = {1: 4.3, 5: 4.83}
"""Seconds of detectron2's DensePose R50-FPN for a picture of 800x1100 pixels with so many given
boxes, measured once on a machine of this class, wall time on 2 threads."""
MEASURED = ('networks', 'steps', 'pictures', 'pasting', 'memory')
BOXES = ((100, 150), (200, 400), (500, 1000))
"""Sizes of people in pixels, for pasting."""


def make_models(folder: Path, quick: bool) -> dict:
    """Write config, weights and ONNX file of each network; return the networks."""
    import torch
    from mmengine.config import Config
    from mmpose.apis import init_model

    from ktn_mm import get_config_path
    from ktn_mm.apis.onnx_export import export_onnx
    models = {}
    for name, leaf in LEAVES.items():
        torch.manual_seed(0)
        config = Config.fromfile(get_config_path(SMALL if quick else leaf))
        config.model.backbone.init_cfg = None
        config.model.head.ktm = None
        config.model.test_cfg.flip_test = False
        models[name] = init_model(config, device='cpu')
        with torch.no_grad():  # everything is body: as much to decode as there can be
            models[name].head.predictors['mask'].bias.copy_(torch.tensor([-50., 50.]))
        path = folder / name.replace(' ', '-')
        config.dump(f'{path}.py')
        torch.save(dict(state_dict=models[name].state_dict()), f'{path}.pth')
        export_onnx(models[name], f'{path}.onnx')
    return models


def make_peer():
    """Build mmpose's own network of keypoints."""
    import mmpose
    from mmengine.config import Config
    from mmpose.registry import MODELS
    config = Config.fromfile(Path(mmpose.__file__).parent / '.mim' / 'configs' / PEER)
    config.model.backbone.init_cfg = None
    return MODELS.build(config.model).eval()


def make_picture(size: tuple[int, int]) -> np.ndarray:
    """Return a picture (H, W, 3) with shades and edges, so that it packs as a photograph."""
    rng = np.random.default_rng(0)
    width, height = size
    coarse = rng.integers(0, 255, (height // 16 + 1, width // 16 + 1, 3)).astype(np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def spread(count: int, size: tuple[int, int], person: tuple[int, int]) -> np.ndarray:
    """Return (count, 4) boxes of people, evenly over a picture."""
    columns = int(np.ceil(np.sqrt(count * size[0] / size[1])))
    rows = int(np.ceil(count / columns))
    places = [((i % columns + .5) / columns, (i // columns + .5) / rows) for i in range(count)]
    center = np.array(places) * size
    half = np.array(person) / 2
    return np.clip(np.hstack([center - half, center + half]), 0, [*size] * 2).astype(np.float32)


def draw_figure() -> tuple[np.ndarray, np.ndarray]:
    """Return labels (256, 192) and U, V (2, 256, 192) of a figure that fills a padded crop."""
    labels = np.zeros((256, 192), np.uint8)
    for surface, x, y, width, height, turn in (
            (2, 96, 100, 32, 55, 0), (9, 80, 165, 14, 35, 0), (10, 112, 165, 14, 35, 0),
            (13, 78, 208, 11, 28, 0), (14, 114, 208, 11, 28, 0), (6, 76, 232, 11, 6, 0),
            (5, 116, 232, 11, 6, 0), (23, 90, 38, 12, 18, 0), (24, 102, 38, 12, 18, 0),
            (16, 62, 85, 10, 26, 20), (15, 130, 85, 10, 26, -20), (20, 50, 125, 8, 23, 10),
            (19, 142, 125, 8, 23, -10), (3, 46, 150, 7, 9, 0), (4, 146, 150, 7, 9, 0)):
        cv2.ellipse(labels, (x, y), (width, height), turn, 0, 360, surface, -1)
    ramp = np.stack(np.meshgrid(np.linspace(0, 1, 192), np.linspace(0, 1, 256)))
    return labels, ramp.astype(np.float16)


def figures(boxes: np.ndarray, size: tuple[int, int]):
    """Return the result of an image in which every box holds the drawn figure."""
    from ktn_mm.structures import CropFrame, DensePoseResult, PersonMaps, PersonPose
    labels, uv = draw_figure()
    people = [PersonPose(box, 1., np.zeros((17, 2)), np.zeros(17),
                         PersonMaps(CropFrame.around(box, (192, 256), 1.25), labels, uv))
              for box in boxes]
    return DensePoseResult.from_people(size, people)


def median(contenders: dict, args: argparse.Namespace, **clock) -> dict[str, float]:
    from ktn_mm.apis.stopwatch import interleave
    return {name: float(np.median(seconds))
            for name, seconds in interleave(contenders, args.rounds, **clock).items()}


def measure_networks(models: dict, folder: Path, args: argparse.Namespace) -> dict:
    """Return seconds a person of each network and of the parts of KTN, in batches of 4."""
    import torch

    from ktn_mm.apis.onnxruntime_backend import OnnxruntimeBackend
    from ktn_mm.apis.stopwatch import inference
    size, batch = models['KTN'].head.decoder.input_size, 4
    contenders = {'td-hm_res50': inference(make_peer(), size, batch)}
    contenders |= {name: inference(model, size, batch) for name, model in models.items()}
    crops = np.zeros((batch, 3, *size[::-1]), np.float32)
    for name in models:
        run = OnnxruntimeBackend(str(folder / f'{name.replace(" ", "-")}.onnx'))._run
        contenders[f'{name}, onnxruntime'] = lambda run=run: run(crops)
        model = models[name]
        with torch.no_grad():
            levels = model.backbone(torch.randn(crops.shape))
            features = model.neck(levels)
        for part, module, given in (('MID', model.neck, levels),
                                    ('predictors', model.head, features)):
            contenders[f'{name}: {part}'] = torch.no_grad()(
                lambda module=module, given=given: module.forward(given))
    return {name: seconds / batch for name, seconds in median(contenders, args).items()}


def measure_steps(folder: Path, args: argparse.Namespace) -> dict:
    """Return seconds of every step for a picture of 800x1100 with 4 people, full KTN."""
    import torch

    from ktn_mm.apis import read_picture
    from ktn_mm.apis.backends import build_backend
    from ktn_mm.forms import encode
    size = (800, 1100)
    path = folder / 'picture.jpg'
    cv2.imwrite(str(path), make_picture(size))
    image, boxes = read_picture(path), spread(4, size, (200, 400))
    backends = dict(pytorch=build_backend('pytorch', str(folder / 'KTN.py'),
                                          str(folder / 'KTN.pth'), 'cpu'),
                    onnxruntime=build_backend(None, str(folder / 'KTN.onnx'), None, 'cpu'))
    drawn = figures(boxes, size)
    contenders = dict(
        read=lambda: read_picture(path), paste=drawn.to_image,
        write=lambda: encode(drawn, 'iuv'))
    for name, backend in backends.items():
        crops = [backend.crop(image, box, 1.) for box in boxes]
        contenders[f'{name}: crop'] = lambda backend=backend: [
            backend.crop(image, box, 1.) for box in boxes]
        contenders[f'{name}: network and decode'] = lambda backend=backend, crops=crops: \
            backend.estimate(crops)
        if name == 'pytorch':
            inputs = torch.randn(len(boxes), 3, *backend.model.head.decoder.input_size[::-1])
            contenders[f'{name}: network'] = torch.no_grad()(
                lambda model=backend.model, inputs=inputs: model(inputs, None, mode='tensor'))
        else:
            inputs = backend._inputs(crops)
            contenders[f'{name}: network'] = lambda run=backend._run, inputs=inputs: run(inputs)
    seconds = median(contenders, args)
    # writing starts from the result; what it pastes is counted once
    seconds['write'] = max(seconds['write'] - seconds['paste'], 0.)
    table = {}
    for name in backends:
        network = seconds[f'{name}: network']
        steps = dict(read=seconds['read'], crop=seconds[f'{name}: crop'], network=network,
                     decode=max(seconds[f'{name}: network and decode'] - network, 0.),
                     paste=seconds['paste'], write=seconds['write'])
        table[name] = dict(seconds=steps, around_to_network=sum(steps.values()) / network - 1)
    return table


def measure_pictures(folder: Path, args: argparse.Namespace) -> dict:
    """Return wall seconds from a picture of 800x1100 to its IUV, by backend and people."""
    import torch

    from ktn_mm.apis import DensePoseInferencer
    size = (800, 1100)
    image = make_picture(size)
    torch.set_num_threads(args.threads)
    os.environ['OMP_NUM_THREADS'] = str(args.threads)  # which onnxruntime goes by
    backends = dict(pytorch=('KTN.py', 'KTN.pth'), onnxruntime=('KTN.onnx', ))
    contenders = {}
    for backend, files in backends.items():
        inferencer = DensePoseInferencer(*(str(folder / file) for file in files), device='cpu')
        for count in DETECTRON2:
            rows = spread(count, size, (200, 400))
            contenders[backend, count] = lambda rows=rows, inferencer=inferencer: [
                result.to_image() for result in inferencer(image, bboxes=rows)]
    seconds = median(contenders, args, clock=perf_counter)
    torch.set_num_threads(1)
    os.environ['OMP_NUM_THREADS'] = '1'
    return {backend: {str(count): dict(seconds=seconds[backend, count],
                                       to_detectron2=seconds[backend, count] / reference)
                      for count, reference in DETECTRON2.items()} for backend in backends}


def measure_pasting(args: argparse.Namespace) -> dict:
    """Return microseconds a pixel of the box, from labels and U, V to the IUV picture."""
    contenders = {}
    for width, height in BOXES:
        size = (width + 200, height + 200)
        result = figures(spread(1, size, (width, height)), size)
        contenders[f'{width}x{height}'] = result.to_image
    return {name: seconds * 1e6 / np.prod([int(n) for n in name.split('x')])
            for name, seconds in median(contenders, args).items()}


def measure_memory(folder: Path, args: argparse.Namespace) -> dict:
    """Return the peak memory in GB of a process that does a large picture with a crowd."""
    size, people = ((400, 300), 3) if args.quick else ((4000, 3000), 30)
    found = {}
    for name, of in (('pytorch', ['KTN.py', 'KTN.pth']), ('onnxruntime', ['KTN.onnx'])):
        command = [sys.executable, __file__, '--once', *(str(folder / file) for file in of),
                   '--crowd', *map(str, (*size, people))]
        environ = dict(os.environ, KTN_MM_STANDALONE='1' if name == 'onnxruntime' else '')
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
        found[name] = float(done.stdout.split()[-1])
    return found


def estimate_crowd(model: list[str], crowd: list[int]) -> None:
    """Do one picture in this process, and print its peak memory in GB."""
    from ktn_mm.apis import DensePoseInferencer
    from ktn_mm.forms import encode
    width, height, people = crowd
    boxes = spread(people, (width, height), (width // 8, height // 3))
    result, = DensePoseInferencer(*model, device='cpu')(make_picture((width, height)),
                                                        bboxes=boxes)
    encode(result, 'iuv')
    print(peak_mb() / 1024)


def tables(report: dict) -> str:
    """Return what was measured as markdown."""
    lines = []
    if networks := report.get('networks'):
        peer = networks['td-hm_res50']
        lines += ['', '| network, seconds a person | s | to td-hm_res50 |', '|---|---:|---:|']
        lines += [f'| {name} | {s:.3f} | {s / peer:.2f} |' for name, s in networks.items()]
        lines += ['', '| onnxruntime to PyTorch | ratio |', '|---|---:|']
        lines += [f'| {name} | {networks[f"{name}, onnxruntime"] / networks[name]:.2f} |'
                  for name in LEAVES]
    if table := report.get('steps'):
        steps = list(table['pytorch']['seconds'])
        lines += ['', f'| 4 people, 800x1100 | {" | ".join(steps)} | around / network |',
                  '|---' + '|---:' * (len(steps) + 1) + '|']
        for name, row in table.items():
            whole = sum(row['seconds'].values())
            shares = ' | '.join(f'{s / whole:.1%}' for s in row['seconds'].values())
            lines.append(f'| {name} | {shares} | {row["around_to_network"]:.1%} |')
    if pictures := report.get('pictures'):
        lines += ['', '| picture of 800x1100 | s | to detectron2 |', '|---|---:|---:|']
        lines += [f'| {backend}, people: {count} | {row["seconds"]:.2f} | '
                  f'{row["to_detectron2"]:.2f} |'
                  for backend, rows in pictures.items() for count, row in rows.items()]
    if pasting := report.get('pasting'):
        lines += ['', '| person | microseconds a box pixel |', '|---|---:|']
        lines += [f'| {name} | {value:.3f} |' for name, value in pasting.items()]
    if memory := report.get('memory'):
        lines += ['', '| peak memory, 4000x3000, 30 people | GB |', '|---|---:|']
        lines += [f'| {name} | {value:.2f} |' for name, value in memory.items()]
    return '\n'.join(lines[1:])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, metavar='JSON', help='also write the figures')
    parser.add_argument('--rounds', type=int, default=5,
                        help='measurements of which the median counts (default: %(default)s)')
    parser.add_argument('--only', nargs='+', choices=MEASURED, default=MEASURED,
                        help='measure no more than this')
    parser.add_argument('--threads', type=int, default=1,
                        help='for whole pictures (default: %(default)s)')
    parser.add_argument('--quick', action='store_true',
                        help='a small network, one round, a small crowd: to see that it runs')
    parser.add_argument('--once', nargs='+', help=argparse.SUPPRESS)
    parser.add_argument('--crowd', nargs=3, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.once:
        estimate_crowd(args.once, args.crowd)
        return
    if min(args.rounds, args.threads) < 1:
        parser.error('--rounds and --threads must be at least 1')
    if args.quick:
        args.rounds = 1
    import torch
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = make_models(folder, args.quick) if {*args.only} - {'pasting'} else {}
        measures = dict(networks=lambda: measure_networks(models, folder, args),
                        steps=lambda: measure_steps(folder, args),
                        pictures=lambda: measure_pictures(folder, args),
                        pasting=lambda: measure_pasting(args),
                        memory=lambda: measure_memory(folder, args))
        report = {part: measure() for part, measure in measures.items() if part in args.only}
    print(tables(report))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
