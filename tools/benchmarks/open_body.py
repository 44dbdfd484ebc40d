"""Train and test the rows of the open benchmark: ``python tools/benchmarks/open_body.py``.

Every row is trained and tested with every seed, one thread a run and two runs at a time. A run
leaves ROW-seedN.json, its result, and ROW-seedN.txt, its shortened log. What is finished is not
done again; what was stopped, in whatever way, goes on at its last epoch. Then
tools/benchmarks/open_body_table.py makes the tables.
"""
import argparse
import json
import runpy
import sys
import time
from pathlib import Path

from open_body_runs.data import annotation_file, summarise
from open_body_runs.measure import measure
from open_body_runs.pool import Pool
from open_body_runs.rows import ROOT, ROWS, Row, choose_rows, groups
from open_body_runs.run import Run, Settings, backbone_file

DATA = ROOT / 'data/open-body-v1'
WORK = ROOT / 'work_dirs/open-body-v1'
OUT = ROOT / 'docs/benchmark'


def parse_args() -> argparse.Namespace:
    names = ', '.join(row.name for row in ROWS)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f'rows: {names}\ngroups: {", ".join(groups())}, all')
    parser.add_argument('--rows', nargs='+', default=['all'], metavar='ROW',
                        help='rows or groups of rows (default: all)')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2], metavar='N',
                        help='(default: 0 1 2); all rows with the first one come first')
    parser.add_argument('--data', type=Path, default=DATA,
                        help='folder of the data set (default: data/open-body-v1)')
    parser.add_argument('--work-dir', type=Path, default=WORK,
                        help='folder for checkpoints and logs (default: work_dirs/open-body-v1)')
    parser.add_argument('--out', type=Path, default=OUT,
                        help='folder whose runs/ takes the results (default: docs/benchmark)')
    parser.add_argument('--jobs', type=int, default=2, help='runs at a time (default: 2)')
    parser.add_argument('--minutes', type=float,
                        help='stop after so many; what is not finished goes on the next time')
    parser.add_argument('--again', action='store_true',
                        help='throw away what there is of these runs, and start over')
    parser.add_argument('--list', action='store_true', help='say how far each run is, and end')
    parser.add_argument('--measure', type=int, metavar='STEPS',
                        help='take so many steps of each row and test it on the whole test set, '
                             'estimate the time of a run, write it to estimate.json, and end')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='for trying things out; the table leaves such runs out')
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error('--jobs must be at least 1')
    for option in args.cfg_options:
        if '=' not in option:
            parser.error(f'--cfg-options takes KEY=VALUE, got {option!r}')
    if args.measure is not None and args.measure < 20:
        parser.error('--measure needs at least 20 steps')
    return args


def make_runs(args: argparse.Namespace) -> list[Run]:
    """Return the runs that were asked for, seed by seed."""
    rows = choose_rows(args.rows)
    data = args.data.resolve()
    settings = Settings(data, summarise(data), args.work_dir.resolve(),
                        args.out.resolve() / 'runs', tuple(args.cfg_options), args.jobs)
    return [Run(row, seed, settings) for seed in dict.fromkeys(args.seeds) for row in rows]


def check_backbones(runs: list[Run]) -> None:
    """Raise FileNotFoundError if a row needs weights that are not there."""
    if any(option.startswith('model.backbone') for option in runs[0].settings.options):
        return
    for run in runs:
        path = backbone_file(run.row.config)
        if path and not (ROOT / path).exists():
            from ktn_mm.engine.safe_loading import how_to_make
            raise FileNotFoundError(f'{path} does not exist, and {run.row.name} starts from it'
                                    + how_to_make(str(path)))


def throw_away(runs: list[Run]) -> None:
    """Remove results and working folders.

    Raises:
        ValueError: if a process works on one of the runs; then all stay.
    """
    taken = [run.name for run in runs if run.folder.lock() is None]
    if taken:
        raise ValueError(f'{", ".join(taken)}: another process works on it')
    for run in runs:
        for file in (run.result_file, run.result_file.with_suffix('.txt')):
            file.unlink(missing_ok=True)
        run.folder.remove()
        run.folder.unlock()


def unfinished(runs: list[Run]) -> list[Run]:
    """Return the runs that are not finished.

    Raises:
        ValueError: if there is something else of one of them.
    """
    states = {run.name: run.state() for run in runs}
    outdated = [f'{run.name} was made with other {", ".join(run.changed())}' for run in runs
                if states[run.name] == 'outdated']
    if outdated:
        raise ValueError(f'{"; ".join(outdated)}. Another --out and --work-dir leave these alone, '
                         '--again deletes them and starts over')
    return [run for run in runs if states[run.name] != 'finished']


def print_rows(rows: list[Row]) -> None:
    for row in rows:
        print(f'{row.name:<20} {row.title}')


def print_list(runs: list[Run]) -> None:
    width = max(len(run.name) for run in runs)
    for run in runs:
        state = run.state()
        known = run.folder.checkpoint() if state == 'begun' else None
        figures = json.loads(run.result_file.read_text()) if state == 'finished' else None
        more = ''
        if state == 'begun':
            more = f', {known[0] if known else 0} of {run.epochs} epochs'
        elif state == 'outdated':
            more = f': made with other {", ".join(run.changed())}'
        elif figures:
            more = (f', GPS AP {100 * figures["figures"]["GPS/AP"]:.1f}, '
                    f'{figures["minutes"]:.0f} min')
        print(f'{run.name:<{width}}  {state}{more}')


def main() -> int:
    """Return the exit code: 0 if no run failed and no signal came."""
    args = parse_args()
    memory = runpy.run_path(str(ROOT / 'ktn_mm/engine/memory.py'))
    settings = {**memory['missing_settings'](), memory['SWITCH']: 'set'}
    if args.list and not annotation_file(args.data, 'train').exists():
        print_rows(choose_rows(args.rows))
        known = len(list((args.out / 'runs').glob('*.json')))
        print(f'{known} results in {args.out / "runs"}; which of these runs they are, and how far '
              f'the others have come, can be said once there is a data set in {args.data}')
        return 0
    runs = make_runs(args)
    if args.list:
        print_list(runs)
        return 0
    check_backbones(runs)
    if args.measure:
        measure(runs, args.measure, args.out.resolve() / 'estimate.json', settings)
        return 0
    if args.again:
        throw_away(runs)
    todo = unfinished(runs)
    print(f'{len(runs) - len(todo)} of {len(runs)} runs are finished, {len(todo)} to do; logs in '
          f'{args.work_dir}/RUN/log.txt', flush=True)
    began = time.monotonic()
    pool = Pool(todo, args.jobs, minutes=args.minutes, settings=settings)
    pool.work()
    left = len(todo) - len(pool.finished)
    print(f'{len(pool.finished)} runs finished in {(time.monotonic() - began) / 60:.0f} min, '
          f'{left} left' + (f' ({pool.stopped_by}; the same command goes on)'
                            if pool.stopped_by and left else ''))
    for name in pool.claimed:
        print(f'{name}: another process works on it', file=sys.stderr)
    for name, reason in pool.failed.items():
        print(f'{name}: {reason}', file=sys.stderr)
    return 1 if pool.failed or pool.stopped_by.startswith('SIG') else 0


if __name__ == '__main__':
    sys.path.insert(0, str(ROOT))
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
