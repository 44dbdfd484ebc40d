"""Bake the surface predictor that KTM makes into a checkpoint, for inference.

    python tools/fold_checkpoint.py CONFIG CHECKPOINT folded.pth

The result is a checkpoint of the same network without KTM: use it with the same config and
`--cfg-options model.head.ktm=None`. Predictions are the same; graphs, transformer and frozen
location knowledge are gone.
"""
import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction
from mmpose.apis import init_model

import ktn_mm  # noqa: F401  (registers the models)
from ktn_mm.engine.safe_loading import read_checkpoint
from ktn_mm.engine.weights_file import plain_meta, write_weights


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='of a network with KTM')
    parser.add_argument('checkpoint', help='that was trained with it')
    parser.add_argument('out', type=Path, help='.pth to write')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='what it was trained with, such as model.head.ktm.residual=True')
    args = parser.parse_args()
    for path in (args.config, args.checkpoint):
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such file')
    model = init_model(args.config, args.checkpoint, device='cpu', cfg_options=args.cfg_options)
    if model.head.ktm is None:
        raise ValueError(f'{args.config}: its head has no KTM, there is nothing to fold')
    before = sum(p.numel() for p in model.parameters())
    model.head.fold()
    after = sum(p.numel() for p in model.parameters())
    write_weights(args.out, model.state_dict(), plain_meta(read_checkpoint(args.checkpoint)))
    print(f'{args.out}: {after / 1e6:.1f} million parameters, {before / 1e6:.1f} with KTM')


if __name__ == '__main__':
    try:
        main()
    except (OSError, TypeError, ValueError) as error:
        sys.exit(f'error: {error}')
