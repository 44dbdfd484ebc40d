"""Make the tables and pictures of the open benchmark out of its runs.

Reads docs/benchmark/runs/*.json, which tools/benchmarks/open_body.py leaves; writes
docs/benchmark/README.md with its pictures, and the block between two markers of README.md. With
another --out the README is left alone.
"""
import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHMARK = ROOT / 'docs' / 'benchmark'
sys.path.insert(0, str(ROOT))  # the clone need not be installed

from open_body_runs.answer import contradictions  # noqa: E402
from open_body_runs.pages import readme_block, replace_block, write_page  # noqa: E402
from open_body_runs.results import read_results  # noqa: E402
from open_body_runs.tables import state_sentence  # noqa: E402


def parse_args(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=BENCHMARK,
                        help='folder with runs/, takes the page (default: docs/benchmark)')
    parser.add_argument('--readme', type=Path,
                        help='page with the two markers (default: README.md; none with --out)')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2], metavar='N',
                        help='that are planned (default: 0 1 2)')
    args = parser.parse_args(arguments)
    if args.readme is None and args.out.resolve() == BENCHMARK:
        args.readme = ROOT / 'README.md'
    return args


def write(args: argparse.Namespace) -> None:
    """Write the page, and the block of the other one, if there is another one."""
    results = read_results(args.out / 'runs', args.seeds)
    written = [args.out / 'README.md']
    if args.readme is not None:
        page = args.readme.read_text(encoding='utf-8')
        folder = Path(os.path.relpath(args.out, args.readme.parent)).as_posix()
        replaced = replace_block(page, readme_block(results, args.seeds, folder), args.readme)
    write_page(results, args.out, args.seeds)
    if args.readme is not None:
        args.readme.write_text(replaced, encoding='utf-8')
        written.append(args.readme)
    print(state_sentence(results, args.seeds))
    if results.runs:
        for line in contradictions(results):
            print(f'no short answer: {line}')
    for file, why in results.left_out.items():
        print(f'left out: {file}: {why}')
    print('wrote ' + ' and '.join(map(str, written)))


def main(arguments: list[str] | None = None) -> None:
    """Write the pages, or say in one line why not."""
    args = parse_args(arguments)
    try:
        write(args)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
