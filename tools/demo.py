"""Show what the shipped weights see, then make people, train a small KTN on them, score it, and
paint body surfaces on pictures.

Safe to run again: pictures that exist are kept, training goes on at its last checkpoint. If the
config, the options, the data or the source have changed since, the earlier run is put aside and
training starts anew.
"""
import argparse
import ctypes
import hashlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import run_record

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'configs/densepose_topdown/ktn_mobilenetv2_1xb16-demo_open-body-128x96.py'
DATA = Path('data/open-body-demo')
WEIGHTS = Path('data/mobilenetv2_imagenet.pth')
NEW = Path('data/open-body-v1-new')
"""Pictures of the benchmark's test set: other places, poses and outfits than it was trained on."""
SHIPPED = 'ktn-mobilenetv2-open-body'
CURVE = 'validation.json'
"""The scores at every epoch that was scored, beside the numbers."""
SHOWN = ['GPS/AP', 'GPS/AP50', 'GPS/AP75', 'GPSm/AP', 'GPSm/AP50', 'GPSm/AP75']
COLUMNS = ['picture', 'surfaces', 'U', 'V', 'truth: surfaces', 'truth: U', 'truth: V']
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('--out', type=Path, default=Path('work_dirs/demo'),
                        help='folder for the model, the numbers and the pictures; what the '
                        'shipped weights see goes beside it')
    parser.add_argument('--train', type=int, default=480, help='pictures to train on')
    parser.add_argument('--val', type=int, default=100, help='pictures to score on')
    parser.add_argument('--workers', type=int, default=os.cpu_count(),
                        help='processes that make pictures')
    parser.add_argument('--cfg-options', nargs='+', default=[],
                        help='handed on to training and testing, such as train_cfg.max_epochs=1')
    args = parser.parse_args()
    for name in ('train', 'val', 'workers'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1')
    return args


class Steps:
    """Say which step runs, and remember how long each one took."""

    def __init__(self, total: int) -> None:
        self.total, self.seconds = total, {}

    def run(self, title: str, action, *args):
        print(f'\n=== {len(self.seconds) + 1}/{self.total} {title}', flush=True)
        start = time.time()
        result = action(*args)
        self.seconds[title] = time.time() - start
        print(f'--- {title}: {self.seconds[title]:.0f} s', flush=True)
        return result


def run_tool(*command: str | Path) -> None:
    """Run a command in the clone, its output going straight through.

    Its session is its own: what interrupts this process ends all of it, without a word.
    """
    words = [str(part) for part in command]
    with subprocess.Popen(words, env=environment(), start_new_session=True,
                          preexec_fn=_end_with_the_demo) as process:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
    if status:
        raise subprocess.CalledProcessError(status, words)


def _end_with_the_demo() -> None:
    """Have the kernel end this child when the demo dies, however that happens: prctl(2)."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def environment() -> dict[str, str]:
    """Return this process's environment, in which `mim` is that of this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    return {**os.environ, 'PATH': path}


def make_data(args: argparse.Namespace) -> None:
    tool = ROOT / 'tools/make_synth_dataset.py'
    run_tool(sys.executable, tool, DATA, '--train', str(args.train), '--val', str(args.val),
             '--test', '0', '--workers', str(args.workers), '--dense')


def make_weights() -> None:
    if WEIGHTS.exists():
        print(f'{WEIGHTS} is there already')
        return
    run_tool(sys.executable, ROOT / 'tools/convert_mobilenetv2.py', WEIGHTS)


def cfg_options(args: argparse.Namespace) -> list[str]:
    return ['--cfg-options', *args.cfg_options] if args.cfg_options else []


def made_of(args: argparse.Namespace) -> dict:
    """Return what decides about the result of training, as hashes where it is long."""
    from mmengine.config import Config
    config = Config.fromfile(CONFIG, import_custom_modules=False).to_dict()
    text = json.dumps(config, sort_keys=True, default=str)
    source = [path for kind in ('*.py', '*.npz') for path in (ROOT / 'ktn_mm').rglob(kind)]
    data = [DATA / 'settings.json', *sorted((DATA / 'annotations').glob('*.json'))]
    return dict(
        config=hashlib.sha256(text.encode()).hexdigest()[:16],
        options=args.cfg_options, pictures=dict(train=args.train, val=args.val),
        data=run_record.digest(data, DATA), weights=run_record.digest([WEIGHTS], WEIGHTS.parent),
        source=run_record.digest(source, ROOT))


def train(args: argparse.Namespace) -> Path:
    told = run_record.claim(args.out, made_of(args))
    if told:
        print(told, flush=True)
    run_tool('mim', 'train', 'mmpose', CONFIG, '--work-dir', args.out, '--resume',
             *cfg_options(args))
    pointer = args.out / 'last_checkpoint'
    if not pointer.exists():
        raise FileNotFoundError(f'{pointer}: training left no checkpoint')
    return Path(pointer.read_text().strip())


def test(args: argparse.Namespace, checkpoint: Path) -> dict[str, float]:
    run_tool('mim', 'test', 'mmpose', CONFIG, '-C', checkpoint, '--work-dir', args.out,
             '--out', args.out / 'numbers.json', *cfg_options(args))
    return json.loads((args.out / 'numbers.json').read_text())


def curve(out: Path) -> list[dict[str, float]]:
    """Return the scores of validation by epoch; of an epoch that ran twice, the later ones."""
    scores = {}
    for log in sorted(out.glob('*/vis_data/scalars.json')):
        for line in log.read_text().splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # the last line of a process that was killed
                continue
            if f'densepose/{SHOWN[0]}' in entry:
                scores[entry['step']] = {name: value for name, value in entry.items()
                                         if name.startswith('densepose/')}
    return [dict(epoch=epoch, **scores[epoch]) for epoch in sorted(scores)]


def curve_table(scores: list[dict[str, float]]) -> str:
    """Lay the scores out, a line an epoch."""
    lines = ['  epoch ' + ''.join(f'{name:>11}' for name in SHOWN)]
    lines += [f'  {entry["epoch"]:>5} ' + ''.join(f'{entry[f"densepose/{name}"]:11.3f}'
                                                  for name in SHOWN) for entry in scores]
    return '\n'.join(lines)


def row(inferencer, image, boxes: list) -> list:
    """Return the panels picture, surfaces, U and V of a BGR image."""
    from ktn_mm.visualization import draw_boxes, panels
    result, = inferencer(image, bboxes=boxes)
    labels, uv, _ = result.to_maps()
    rgb = image[..., ::-1]
    return [draw_boxes(rgb, result.boxes), *panels(rgb, labels, uv)]


def rows_with_truth(inferencer, data: Path, split: str, count: int) -> list[list]:
    """Return the rows of a data set's first pictures that show people, with their truth."""
    import cv2
    from tqdm import tqdm

    from ktn_mm.visualization import panels
    truth = json.loads((data / f'annotations/densepose_open_{split}.json').read_text())
    boxes = {}
    for person in truth['annotations']:
        x, y, w, h = person['bbox']
        boxes.setdefault(person['image_id'], []).append([x, y, x + w, y + h])
    shown = [entry for entry in truth['images'] if entry['id'] in boxes][:count]
    rows = []
    for entry in tqdm(shown, unit='picture', desc='painting'):
        path = data / split / entry['file_name']
        image = cv2.imread(str(path))
        iuv = cv2.imread(str(path.with_name(f'{path.stem}_iuv.png')))[..., ::-1]
        true = panels(image[..., ::-1], iuv[..., 0], iuv[..., 1:] / 255.)
        rows.append(row(inferencer, image, boxes[entry['id']]) + true)
    return rows


def photograph(inferencer, path: Path) -> Path:
    """Write the sheet of skimage's astronaut (NASA, public domain): half a body on 512x512."""
    import numpy as np
    from skimage.data import astronaut

    from ktn_mm.visualization import contact_sheet
    image = np.ascontiguousarray(astronaut()[..., ::-1])
    write(path, contact_sheet([row(inferencer, image, [[20, 0, 460, 512]])], COLUMNS[:4],
                              height=400))
    return path


def show_shipped(args: argparse.Namespace) -> list[Path]:
    """Write what the weights that come with the project see in pictures new to them."""
    from ktn_mm.apis import DensePoseInferencer
    from ktn_mm.visualization import contact_sheet
    run_tool(sys.executable, ROOT / 'tools/make_synth_dataset.py', NEW, '--preset',
             'open-body-v1', '--train', '0', '--val', '0', '--test', '8', '--dense')
    inferencer = DensePoseInferencer(SHIPPED, device='cpu')
    folder = args.out.with_name(f'{args.out.name}_shipped')  # beside what may be put aside
    folder.mkdir(parents=True, exist_ok=True)
    sheet = folder / 'people.jpg'
    write(sheet, contact_sheet(rows_with_truth(inferencer, NEW, 'test', 8), COLUMNS))
    sheets = [photograph(inferencer, folder / 'photograph.jpg'), sheet]
    print('look at ' + ' and '.join(map(str, sheets)))
    return sheets


def paint(args: argparse.Namespace, checkpoint: Path) -> list[Path]:
    """Write contact sheets: validation pictures with their truth, and a real photograph."""
    from ktn_mm.apis import DensePoseInferencer
    from ktn_mm.visualization import contact_sheet
    inferencer = DensePoseInferencer(str(CONFIG), str(checkpoint), device='cpu')
    rows = rows_with_truth(inferencer, DATA, 'val', 24)
    sheets = []
    for i in range(0, len(rows), 8):
        sheets.append(args.out / f'validation_{i // 8 + 1}.jpg')
        write(sheets[-1], contact_sheet(rows[i:i + 8], COLUMNS))
    return [*sheets, photograph(inferencer, args.out / 'photograph.jpg')]


def write(path: Path, picture) -> None:
    import cv2
    cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def report(numbers: dict[str, float], scores: list[dict[str, float]], sheets: list[Path],
           seconds: dict[str, float]) -> None:
    names = ['AP', 'AP50', 'AP75', 'APM', 'APL', 'AR']
    print('\nKTN on people it has never seen (ground-truth boxes):')
    print('        ' + ''.join(f'{name:>8}' for name in names))
    for kind in ('GPS', 'GPSm'):
        values = (numbers[f'densepose/{kind}/{name}'] for name in names)
        print(f'  {kind:<6}' + ''.join(f'{value:8.3f}' for value in values))
    print('\nValidation while it learnt:\n' + curve_table(scores))
    print('\nlook at ' + '\n        '.join(str(sheet) for sheet in sheets))
    total = sum(seconds.values())
    print('\n' + ', '.join(f'{title} {s:.0f} s' for title, s in seconds.items())
          + f'; together {total / 60:.1f} min')


def main() -> None:
    args = parse_args()
    os.chdir(ROOT)
    args.out.mkdir(parents=True, exist_ok=True)
    steps = Steps(6)
    steps.run('shipped weights', show_shipped, args)
    steps.run('make people', make_data, args)
    steps.run('backbone weights', make_weights)
    checkpoint = steps.run('train', train, args)
    numbers = steps.run('test', test, args, checkpoint)
    sheets = steps.run('paint', paint, args, checkpoint)
    scores = curve(args.out)
    (args.out / CURVE).write_text(json.dumps(scores, indent=2) + '\n')
    report(numbers, scores, sheets, steps.seconds)


if __name__ == '__main__':
    # By path, since importing the package takes seconds and this may start the process again.
    memory = runpy.run_path(str(ROOT / 'ktn_mm/engine/memory.py'))
    memory['restart_with_memory_settings']()
    stopping = runpy.run_path(str(ROOT / 'ktn_mm/cli/stopping.py'))
    try:
        with stopping['Stop']():
            main()
    except KeyboardInterrupt:
        stopping['tell']('interrupted; the same command goes on', sys.stderr)
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        sys.exit(f'error: {Path(error.cmd[0]).name} ended with exit code {error.returncode}; '
                 'what it said stands above. When that is put right, the same command goes on.')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
