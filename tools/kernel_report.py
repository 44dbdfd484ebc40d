"""Tell how alike the predictors of the 24 surfaces are in a network.

    python tools/kernel_report.py CONFIG CHECKPOINT
    python tools/kernel_report.py CONFIG --seed 0        # as it starts

`common` is the share of the kernels' energy that all surfaces have in common, `rank` the effective
rank of what is each surface's own (of 23); the other columns are mean cosines between what two
surfaces have of their own. With KTM there is a line for what each source gathers too.
"""
import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmpose.apis import init_model

import ktn_mm  # noqa: F401  (registers the models)
from ktn_mm.knowledge.likeness import RELATIONS, measure_likeness
from ktn_mm.models.heads.ktm import kernel_to_rows


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?', help='without one, the network as it starts')
    parser.add_argument('--seed', type=int, default=0,
                        help='of a network without a checkpoint (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={},
                        metavar='KEY=VALUE', help='such as model.head.ktm.recipe=official')
    return parser.parse_args()


def predictor_rows(head: torch.nn.Module) -> dict[str, np.ndarray]:
    """Return the rows (24, D) of the surfaces' predictor, and of what each source gathers."""
    rows = {}
    if head.ktm is not None:
        rows = {f'gathered from {name}': gathered
                for name, gathered in head.ktm.gather(*head.source_kernels()).items()}
    rows['predictor'] = kernel_to_rows(head.surface_kernel())
    return {name: values[1:].numpy() for name, values in rows.items()}


def main() -> None:
    args = parse_args()
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options)
    if args.checkpoint is not None and not Path(args.checkpoint).is_file():
        raise FileNotFoundError(f'{args.checkpoint}: no such file')
    torch.manual_seed(args.seed)
    model = init_model(config, args.checkpoint, device='cpu')
    if args.checkpoint is None:
        model.init_weights()
    with torch.no_grad():
        rows = predictor_rows(model.head)
    width = max(map(len, rows))
    print('  '.join([' ' * width, 'common', ' rank', *RELATIONS]))
    for name, values in rows.items():
        likeness = measure_likeness(values)
        print('  '.join([f'{name:{width}}', f'{likeness.common:6.3f}', f'{likeness.rank:5.1f}',
                         *(f'{likeness.cosines[r]:{len(r)}.2f}' for r in RELATIONS)]))


if __name__ == '__main__':
    try:
        main()
    except (OSError, TypeError, ValueError) as error:
        sys.exit(f'error: {error}')
