"""The test command: mmpose's own, and ``--format-only``, which writes results to be scored."""
import argparse
import inspect
import runpy
import sys

from ktn_mm.engine.mmpose_tool import mmpose_tool, run_mmpose_tool
from ktn_mm.registration import require_openmmlab

HELP = '''\
KTN-MM's own option:
  --format-only PREFIX  compute no figures, write the predictions to PREFIX.densepose.json in the
                        format of the DensePose challenges; needs no dp_* in the annotation.
                        tools/evaluate.py scores such a file.
'''


def run_test_tool() -> None:
    """Test with this process's arguments: those of mmpose's tools/test.py, and --format-only."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument('--format-only', metavar='PREFIX')
    parser.add_argument('-h', '--help', action='store_true')
    own, others = parser.parse_known_args()
    if own.help:
        print(HELP)
    if own.help or own.format_only is None:
        run_mmpose_tool('test')
        return
    sys.argv[1:] = others
    try:
        _write_results(own.format_only)
    except ValueError as error:
        sys.exit(f'error: {error}')


def set_format_only(metrics: list[dict], prefix: str) -> None:
    """Make metrics write what they got instead of scoring it.

    Args:
        metrics: configs of metrics, changed in place; those that cannot write are left alone.
        prefix: of the files to write.

    Raises:
        ValueError: if none of them can write.
    """
    from mmpose.registry import METRICS
    able = []
    for metric in metrics:
        kind = metric['type']
        kind = METRICS.get(kind) if isinstance(kind, str) else kind
        if kind is not None and 'format_only' in inspect.signature(kind).parameters:
            able.append(metric)
    if not able:
        raise ValueError('--format-only: none of the metrics of test_evaluator can write results: '
                         + ', '.join(str(metric['type']) for metric in metrics))
    for metric in able:
        metric.update(format_only=True, outfile_prefix=prefix)


def _write_results(prefix: str) -> None:
    require_openmmlab()
    from mmengine.config import Config
    from mmengine.runner import Runner
    tool = runpy.run_path(str(mmpose_tool('test')))
    args = tool['parse_args']()
    if args.out is not None:
        raise ValueError('--out saves figures, with --format-only there are none')
    config = tool['merge_args'](Config.fromfile(args.config), args)
    metrics = config.test_evaluator
    set_format_only([metrics] if isinstance(metrics, dict) else metrics, prefix)
    dataset = config.test_dataloader.dataset
    if dataset.type == 'DensePoseCocoDataset':
        dataset.setdefault('dense', 'optional')  # a test split has no dp_*
    Runner.from_cfg(config).test()
