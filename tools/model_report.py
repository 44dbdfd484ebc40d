"""Tell how large networks are, how much they compute, and how long they take.

    python tools/model_report.py configs/densepose_topdown/ktn_res50_8xb32-*.py
    python tools/model_report.py CFG CFG --markdown page.md --time CFG

Parameters and multiply-adds are given by part, as trained and as folded for inference, where the
knowledge transfer machine (KTM) is baked into an ordinary predictor. mmengine counts.
--time sets each network beside the same one without KTM: a training step on crops of paper dolls,
and the forward pass of the folded network. No weights and no data set are needed.
"""
import argparse
import re
import runpy
import shlex
import sys
from glob import glob
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # a clone, or ktn_mm/.mim of an installed package
PACKAGE = ROOT / 'ktn_mm' if (ROOT / 'ktn_mm').is_dir() else ROOT.parent


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='CFG',
                        help='configs of networks, also as a pattern in quotes')
    parser.add_argument('--size', type=crop_size, metavar='HxW',
                        help="height and width of the crops (default: every config's own)")
    parser.add_argument('--markdown', type=Path, metavar='OUT', help='also write a page')
    parser.add_argument('--time', nargs='*', metavar='CFG',
                        help='also time these configs; without any, all of them')
    parser.add_argument('--batch-size', type=positive, default=8,
                        help='crops that are timed together (default: %(default)s)')
    parser.add_argument('--rounds', type=positive, default=11,
                        help='measurements of which the median counts (default: %(default)s)')
    parser.add_argument('--threads', type=positive, default=1,
                        help='of the processor, for --time (default: %(default)s)')
    return parser.parse_args()


def crop_size(text: str) -> tuple[int, int]:
    """Read '256x192', height before width as in the configs' names; return (w, h)."""
    match = re.fullmatch(r'(\d+)x(\d+)', text)
    if not match or '0' in match.groups():
        raise argparse.ArgumentTypeError(f'must look like 256x192, got {text!r}')
    return int(match[2]), int(match[1])


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'must be a positive number, got {text!r}')
    return int(text)


def files(patterns: list[str]) -> list[str]:
    """Return the files that paths and patterns stand for, sorted within a pattern."""
    found = []
    for pattern in patterns:
        paths = [pattern] if Path(pattern).is_file() else sorted(glob(pattern))
        if not paths:
            raise FileNotFoundError(f'{pattern}: no such file')
        found += paths
    return found


def read_config(path: str, size: tuple[int, int] | None):
    """Return a config whose pipeline makes crops of ``size``."""
    from mmengine.config import Config
    try:
        config = Config.fromfile(path)
    except Exception as error:  # a config is a program: anything can happen
        raise ValueError(f'{path}: {type(error).__name__}: {error}') from error
    if 'codec' not in config or 'train_dataloader' not in config:
        raise ValueError(f'{path}: not a config of a dense-pose network')
    if size is not None:
        changes = dict(input_size=size, output_size=(size[0] // 2, size[1] // 2))
        config.codec.update(changes)
        for step in config.train_dataloader.dataset.pipeline:
            if 'encoder' in step:
                step.encoder.update(changes)
            elif 'input_size' in step:
                step.input_size = size
    return config


def short_name(path: str) -> str:
    """Return algorithm and backbone of a config that is named as ours are, else its stem."""
    stem = Path(path).stem
    fields = stem.split('_')
    return '_'.join(fields[:2]) if len(fields) == 4 and re.search(r'\dxb\d', fields[2]) else stem


def name_and_size(path: str, config) -> list[str]:
    width, height = config.codec.input_size
    return [short_name(path), f'{height}x{width}']


def size_rows(configs: dict, progress) -> tuple[list[list[str]], list[list[str]]]:
    """Return the rows of the table of parameters and of the table of multiply-adds."""
    from ktn_mm.apis.complexity import PARTS, build_untrained, count
    parameters, multiply_adds = [], []
    for path, config in progress(configs.items()):
        model = build_untrained(config)
        trained = count(model, config.codec.input_size)
        model.head.fold()
        folded = count(model, config.codec.input_size)
        for rows, kind, unit in ((parameters, 'parameters', 1e6),
                                 (multiply_adds, 'multiply_adds', 1e9)):
            whole, without = getattr(trained, kind), getattr(folded, kind)
            numbers = [*(whole[part] for part in PARTS), whole[''], without['']]
            rows.append([*name_and_size(path, config), *(f'{n / unit:.2f}' for n in numbers)])
    return parameters, multiply_adds


def time_row(path: str, config, args: argparse.Namespace, progress) -> list[str]:
    """Time one network beside the same one without KTM."""
    import numpy as np

    from ktn_mm.apis import stopwatch
    from ktn_mm.apis.complexity import build_untrained
    batch = stopwatch.training_batch(config, args.batch_size)
    trained, plain = build_untrained(config), build_untrained(config, ktm=False)
    contenders = dict(step=stopwatch.training_step(trained, config, batch),
                      plain_step=stopwatch.training_step(plain, config, batch))
    if trained.with_neck:
        contenders['neck'] = stopwatch.neck_pass(plain, batch)
    seconds = stopwatch.interleave(contenders, args.rounds, progress)
    trained.head.fold()
    size = config.codec.input_size
    seconds |= stopwatch.interleave(
        dict(folded=stopwatch.inference(trained, size, args.batch_size),
             plain=stopwatch.inference(plain, size, args.batch_size)), args.rounds, progress)
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    return [*name_and_size(path, config),
            f'{median["step"]:.2f}', f'{median["plain_step"]:.2f}',
            f'{median["step"] / median["plain_step"]:.3f}',
            f'{median["neck"] / median["step"]:.0%}' if 'neck' in median else '-',
            f'{median["folded"]:.3f}', f'{median["plain"]:.3f}',
            f'{median["folded"] / median["plain"]:.3f}']


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a markdown table, its columns aligned."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    rule = ['-' * w if i == 0 else '-' * (w - 1) + ':' for i, w in enumerate(widths)]
    text = [[v.ljust(w) if i == 0 else v.rjust(w) for i, (v, w) in enumerate(zip(line, widths))]
            for line in (head, *rows)]
    return '\n'.join(f'| {" | ".join(line)} |' for line in (text[0], rule, *text[1:]))


def page(sections: dict[str, str]) -> str:
    """Return the markdown page."""
    command = shlex.join(['python', 'tools/model_report.py', *sys.argv[1:]])
    return '\n\n'.join([
        '# How large the networks are',
        'For people who choose one. `head` has the predictors; KTM, which makes the surface '
        'predictor while training, stands beside it. Folded is what inference needs: there KTM '
        'is gone.',
        *(f'## {title}\n\n{text}' for title, text in sections.items()),
        f'Written by\n```bash\n{command}\n```\n'])


def main() -> None:
    args = parse_args()
    if args.time is not None:
        # By path, since importing the package takes seconds and this may start it again.
        runpy.run_path(str(PACKAGE / 'engine' / 'memory.py'))['restart_with_memory_settings']()
    sys.path.insert(0, str(PACKAGE.parent))

    import torch
    from tqdm import tqdm

    from ktn_mm.registration import require_openmmlab
    require_openmmlab()
    torch.set_num_threads(args.threads)
    configs = {path: read_config(path, args.size) for path in files(args.configs)}
    timed = {}
    if args.time is not None:
        timed = {path: read_config(path, args.size) for path in files(args.time or args.configs)}
    if args.markdown is not None:
        args.markdown.parent.mkdir(parents=True, exist_ok=True)
        args.markdown.open('a').close()

    parts = ['network', 'crop', 'backbone', 'neck', 'head', 'KTM', 'trained', 'folded']
    parameters, multiply_adds = size_rows(
        configs, lambda x: tqdm(x, 'counting', unit='network', leave=False))
    sections = {
        'Parameters, in millions': table(parts, parameters),
        'Multiply-adds of a crop, in billions': table(parts, multiply_adds)
        + "\n\nAs mmengine counts them. KTM's occur once a batch, however many crops it has."}
    if timed:
        head = ['network', 'crop', 'step', 'without KTM', 'ratio', 'neck', 'folded',
                'without KTM', 'ratio']
        rows = [time_row(path, config, args,
                         lambda x, path=path: tqdm(x, short_name(path), leave=False))
                for path, config in timed.items()]
        sections['Time, in seconds of a processor'] = (
            table(head, rows) + f'\n\nMedians of {args.rounds} interleaved measurements of '
            f'{args.batch_size} crops on {args.threads} '
            f'thread{"s" if args.threads > 1 else ""}: a training step, the same network '
            "without KTM, the share of the step that the neck's forward and backward pass takes "
            'alone; the forward pass of the folded network, and of one built without KTM.')
    for title, text in sections.items():
        print(f'{title}\n{text}\n')
    if args.markdown is not None:
        args.markdown.write_text(page(sections))


if __name__ == '__main__':
    try:
        main()
    except (OSError, ValueError, SyntaxError) as error:
        sys.exit(f'error: {error}')
