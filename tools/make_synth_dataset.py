"""Make a data set of synthetic people with exact DensePose annotation.

    python tools/make_synth_dataset.py data/open --train 2000 --val 200 --test 200 --workers 4

writes data/open/{train,val,test}/*.jpg and data/open/annotations/densepose_open_*.json, in the
format of DensePose-COCO. The same seed gives the same bytes, with any number of workers. A run
that was interrupted goes on where it stopped; more pictures can be added to a folder later.
"""
import argparse
import os
import time

# One thread a process: the processes share the work. Read when numpy is imported.
for library in ('OMP', 'OPENBLAS', 'MKL'):
    os.environ.setdefault(f'{library}_NUM_THREADS', '1')

from ktn_mm.synth.dataset import SPLITS, make_dataset, statistics  # noqa: E402
from ktn_mm.synth.environments import PHOTO_PACKAGE, find_photos  # noqa: E402
from ktn_mm.visualization.dataset_sheet import write_sheet  # noqa: E402


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('out', help='folder to write to')
    parser.add_argument('--train', type=int, default=1000, help='pictures to train on')
    parser.add_argument('--val', type=int, default=100,
                        help='pictures to validate on: other places, poses and outfits')
    parser.add_argument('--test', type=int, default=100,
                        help='pictures to test on: again others')
    parser.add_argument('--size', type=int, nargs='+', default=[320],
                        help='side of the square pictures, or width and height')
    parser.add_argument('--seed', type=int, default=0, help='same seed, same bytes')
    parser.add_argument('--workers', type=int, default=1, help='processes')
    parser.add_argument('--dense', action='store_true',
                        help='also write I, U, V of every pixel (*_iuv.png) and whose pixel it '
                             'is (*_ids.png)')
    parser.add_argument('--no-photos', action='store_true',
                        help='panoramas only as backdrops, even where the photographs of '
                             f'{PHOTO_PACKAGE} are installed')
    parser.add_argument('--sheet', metavar='FILE',
                        help='write a contact sheet of the last split that was asked for')
    args = parser.parse_args()
    if len(args.size) > 2:
        parser.error('--size takes one or two numbers')
    return args


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
                          use_photos=not args.no_photos)
    print(f'{sum(counts.values())} pictures in {time.perf_counter() - start:.0f} s')
    for split, coco in result.items():
        numbers = ', '.join(f'{key} {value:.2f}' if isinstance(value, float) else f'{key} {value}'
                            for key, value in statistics(coco).items())
        print(f'{split}: {numbers}')
    if args.sheet and result:
        split = list(result)[-1]
        write_sheet(args.sheet, f'{args.out}/{split}', result[split])
        print(f'{args.sheet}: {split}')


if __name__ == '__main__':
    main()
