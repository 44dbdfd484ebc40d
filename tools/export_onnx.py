"""Write a trained network as one ONNX file, with all that inference needs besides it.

    python tools/export_onnx.py CONFIG CHECKPOINT model.onnx
    ktn-mm infer people.jpg --out results --model model.onnx --whole-image

KTM is folded, the number of crops in a batch is free, and the sizes, thresholds and tables of
pre- and post-processing are in the file's metadata. The file is compared with PyTorch on random
crops in onnxruntime before it gets its name. Exit code 1 if something does not fit.
Needs the extra `onnx`.
"""
import argparse
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='of one of our networks, or the name of one that is '
                        'shipped')
    parser.add_argument('checkpoint', nargs='?',
                        help='its weights; not needed for a name whose weights are shipped')
    parser.add_argument('out', type=Path, metavar='OUT.onnx')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='change the config: `model.test_cfg.flip_test=False` leaves out the '
                        'flip test, which doubles the time; `model.head.ktm=None` reads a '
                        'checkpoint of fold_checkpoint.py')
    parser.add_argument('--overwrite', action='store_true', help='replace a file that exists')
    args = parser.parse_args()
    if args.out.suffix != '.onnx':
        raise ValueError(f'{args.out}: the name must end in .onnx')
    if args.out.exists() and not args.overwrite:
        raise FileExistsError(f'{args.out} exists already; --overwrite replaces it')

    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ImportError(f'{error}; install the extra `onnx` (versions in requirements.txt)'
                          ) from error
    from mmengine.config import DictAction
    from mmpose.apis import init_model

    from ktn_mm.apis.model_zoo import find_model
    from ktn_mm.apis.onnx_export import PARITY, export_onnx
    from ktn_mm.registration import require_openmmlab
    require_openmmlab()
    options = {}
    for option in args.cfg_options:
        key, equals, value = option.partition('=')
        if not equals:
            raise ValueError(f'--cfg-options takes KEY=VALUE, got {option!r}')
        options[key] = DictAction._parse_int_float_bool(value)
    config, checkpoint = find_model(args.config, args.checkpoint)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    model = init_model(config, checkpoint, device='cpu', cfg_options=options)
    worst, *others = export_onnx(model, args.out)
    for difference in (worst, *others):
        print(f'{difference.name:10} differs by at most {difference.largest:.1e}, '
              f'{difference.share:.1e} of its range')
    if worst.share > PARITY:
        raise ValueError(f'{args.out} was not written: onnxruntime differs from PyTorch by '
                         f'{worst.share:.1e} of the range of {worst.name}, more than {PARITY:g}')
    print(f'{args.out}: {args.out.stat().st_size / 1e6:.1f} MB, largest difference '
          f'{worst.largest:.1e} ({worst.name}, {worst.share:.1e} of its range)')


if __name__ == '__main__':
    try:
        main()
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f'error: {error}')
