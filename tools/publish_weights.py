"""Write the weights of a checkpoint for others to use: small, and nothing in it but weights.

    python tools/publish_weights.py work_dirs/detector/epoch_10.pth weights/detector.pth --fp16

The optimizer's state, the config with its paths, seeds and versions are left out; the classes,
the epoch and the number of iterations stay. Prints the size and the SHA-256. KTM of a pose network
is not needed for inference: tools/fold_checkpoint.py takes it out first.
"""
import argparse
import sys
from pathlib import Path

import ktn_mm  # noqa: F401  (guards how checkpoints are read)
from ktn_mm.engine.safe_loading import read_checkpoint, tensors_of
from ktn_mm.engine.weights_file import plain_meta, write_weights


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='of mmengine, or any file with a state_dict')
    parser.add_argument('out', type=Path, help='.pth to write')
    parser.add_argument('--fp16', action='store_true', help='store half precision')
    parser.add_argument('--meta', nargs='+', default=[], metavar='KEY=TEXT',
                        help='what else to say in the file, such as license=Apache-2.0')
    args = parser.parse_args()
    content = read_checkpoint(args.checkpoint)
    meta = plain_meta(content)
    for item in args.meta:
        key, equals, text = item.partition('=')
        if not equals:
            raise ValueError(f'--meta takes KEY=TEXT, got {item!r}')
        meta[key] = text
    weights = tensors_of(content, args.checkpoint)
    digest = write_weights(args.out, weights, meta, half=args.fp16)
    count = sum(tensor.numel() for tensor in weights.values())
    print(f'{args.out}: {len(weights)} tensors, {count / 1e6:.2f} million numbers, '
          f'{args.out.stat().st_size / 1e6:.2f} MB')
    print(f'sha256 {digest}')


if __name__ == '__main__':
    try:
        main()
    except (OSError, TypeError, ValueError) as error:
        sys.exit(f'error: {error}')
