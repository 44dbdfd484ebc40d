"""Score dense poses: GPS, GPSm and mask IoU, AP and AR, as DensePose-COCO does.

GT is a COCO annotation file with dp_*; RESULTS is a list of records in the format of the
DensePose challenges, from whatever framework: image_id, category_id, bbox (x, y, w, h), score,
uv_shape (3, h, w), uv_data (base64 of a PNG with I, U, V). docs/evaluation.md shows how to write
one. Needs numpy, scipy, pycocotools, pillow and tqdm; no torch, no OpenMMLab. --diagnosis, which
docs/diagnosis.md explains, also needs matplotlib and opencv-python.

example:
  python tools/evaluate.py densepose_minival2014.json results.json \\
      --template data/densepose/template.npz --out numbers.json

exit code: 0 figures were printed (with --skip-bad even if entries were left out), 1 an input
cannot be used, 2 a wrong command line, 130 interrupted
"""
import argparse
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # a clone, or ktn_mm/.mim of an installed package
PACKAGE = ROOT / 'ktn_mm' if (ROOT / 'ktn_mm').is_dir() else ROOT.parent
if __name__ == '__main__':
    sys.path.insert(0, str(PACKAGE.parent))
    os.environ['KTN_MM_STANDALONE'] = '1'  # an mmpose that is there would be imported

import numpy as np  # noqa: E402
from tqdm import tqdm  # noqa: E402

from ktn_mm.cache import whole_or_nothing  # noqa: E402
from ktn_mm.evaluation import KINDS, GroundTruth, Results, evaluate, read_results  # noqa: E402
from ktn_mm.evaluation.coco_ap import score_thresholds  # noqa: E402
from ktn_mm.evaluation.diagnosis import diagnose  # noqa: E402
from ktn_mm.evaluation.diagnosis_table import diagnosis_table, parts_table  # noqa: E402
from ktn_mm.evaluation.oddities import oddities  # noqa: E402
from ktn_mm.evaluation.part_figures import part_figures  # noqa: E402
from ktn_mm.evaluation.table import figures_table  # noqa: E402
from ktn_mm.surface import OPEN_BODY, SurfaceTemplate  # noqa: E402
from ktn_mm.version import __version__  # noqa: E402

LIBRARIES = ('numpy', 'scipy', 'pycocotools', 'pillow')


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ground_truth', type=Path, metavar='GT', help='annotation file')
    parser.add_argument('results', type=Path, metavar='RESULTS', help='result file')
    parser.add_argument('--template', type=Path, metavar='FILE', help='surface that GT was '
                        'annotated on, a .npz of tools/convert_densepose_template.py for '
                        'DensePose-COCO and its kin (default: the open body)')
    parser.add_argument('--out', type=Path, metavar='NUMBERS', help='.json to write the figures '
                        'to, with what they were made of')
    parser.add_argument('--kinds', nargs='+', choices=KINDS, default=list(KINDS),
                        help='what to score (default: all)')
    parser.add_argument('--min-threshold', type=float, default=0.5, metavar='T', help='lowest '
                        'threshold that AP averages over; 0.2 adds AP20, AP30, AP40 '
                        '(default: %(default)s)')
    parser.add_argument('--no-compat', action='store_true', help='without the oddities of '
                        'detectron2; not comparable with published figures')
    parser.add_argument('--parts', action='store_true', help='also score the parts of the body as '
                        'a segmentation; GT needs dp_masks')
    parser.add_argument('--diagnosis', type=Path, metavar='DIR', help='folder to write to why the '
                        'scores are what they are: diagnosis.png, .txt and .json')
    parser.add_argument('--skip-bad', action='store_true', help='leave out entries of RESULTS '
                        'and dense annotation of GT that cannot be used, count them and go on')
    parser.add_argument('--jobs', type=int, default=count_cores(), metavar='N',
                        help='processes that decode pictures (default: one a core, %(default)s)')
    args = parser.parse_args(arguments)
    if args.jobs < 1:
        parser.error(f'--jobs must be 1 or more, got {args.jobs}')
    try:
        score_thresholds(args.min_threshold)
    except ValueError as error:
        parser.error(f'--min-threshold: {error}')
    return args


def check_out(args: argparse.Namespace) -> None:
    """Try the place of the figures before anything takes time."""
    for given in (args.ground_truth, args.results, args.template):
        if given is not None and args.out.resolve() == given.resolve():
            raise ValueError(f'--out {args.out} is also an input')
    args.out.parent.mkdir(parents=True, exist_ok=True)
    if args.out.is_dir() or not os.access(args.out.parent, os.W_OK):
        raise PermissionError(f'--out {args.out}: cannot write there')


def drawing() -> Callable:
    """Return what writes a diagnosis; nothing else here needs matplotlib and OpenCV."""
    try:
        import matplotlib.figure  # noqa: F401  (what draws imports it when it draws)

        from ktn_mm.visualization.diagnosis_plot import write_diagnosis
    except ImportError as error:
        raise RuntimeError(f'--diagnosis needs matplotlib and opencv-python: {error}') from error
    return write_diagnosis


def say(text: str) -> None:
    """Tell something that is no figure."""
    print(text, file=sys.stderr, flush=True)


def read(args: argparse.Namespace, ground_truth: GroundTruth) -> Results:
    """Read the results behind a progress bar."""
    size = args.results.stat().st_size if args.results.is_file() else 0
    with tqdm(total=size, desc='results', unit='B', unit_scale=True) as bar:
        return read_results(args.results, ground_truth, skip_bad=args.skip_bad, jobs=args.jobs,
                            filled=args.diagnosis is not None, parts=args.parts,
                            progress=bar.update)


def skipped_table(results: Results) -> list[str]:
    """Return lines that say how many entries were left out and why, with the first of each."""
    total = len(results.skipped) + len(results.detections)
    lines = [f'left out {len(results.skipped)} of {total} entries']
    for reason, count in results.reasons().items():
        first = next(bad for bad in results.skipped if bad.reason == reason)
        lines.append(f'{count:>8}  {reason}; first entry {first.index}: {first.detail}')
    return lines


def sha256(path: Path) -> str:
    """Return the checksum of a file, as sha256sum prints it."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe(path: Path) -> dict:
    """Return what identifies a file."""
    return dict(file=str(path), bytes=path.stat().st_size, sha256=sha256(path))


def version(library: str) -> str | None:
    """Return the version of a library, None if it was installed without saying."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def provenance(args: argparse.Namespace, ground_truth: GroundTruth, results: Results) -> dict:
    """Return what the figures were made of and by what."""
    persons = [p for people in ground_truth.persons.values() for p in people]
    template = args.template or OPEN_BODY
    return dict(
        ground_truth=dict(describe(args.ground_truth), images=len(ground_truth.images),
                          persons=len(persons), annotated=sum(p.annotated for p in persons)),
        results=dict(describe(args.results), detections=len(results.detections)),
        template=dict(describe(template), name=template.stem),
        protocol=dict(compat=None if args.no_compat else 'detectron2', kinds=args.kinds,
                      thresholds=score_thresholds(args.min_threshold).round(2).tolist()),
        versions=dict({name: version(name) for name in LIBRARIES},
                      ktn_mm=__version__, python=platform.python_version()))


def write(path: Path, content: dict) -> None:
    """Write JSON that is complete or not there."""
    with whole_or_nothing(path) as file:
        file.write(json.dumps(content, indent=2).encode() + b'\n')


def main(arguments: list[str] | None = None) -> None:
    args = parse_args(arguments)
    if args.out is not None:
        check_out(args)
    if args.diagnosis is not None:
        write_diagnosis = drawing()
        args.diagnosis.mkdir(parents=True, exist_ok=True)
    started, clock = datetime.now(timezone.utc), [time.perf_counter()]

    surface = SurfaceTemplate.load(args.template)
    ground_truth = GroundTruth.load(args.ground_truth,
                                    compat=None if args.no_compat else 'detectron2',
                                    on_bad='skip' if args.skip_bad else 'error')
    clock.append(time.perf_counter())
    results = read(args, ground_truth)
    clock.append(time.perf_counter())
    say('scoring')
    figures = evaluate(ground_truth, results.detections, surface, kinds=tuple(args.kinds),
                       min_threshold=args.min_threshold)
    parts = part_figures(ground_truth, results.detections) if args.parts else None
    if parts is not None:
        figures.update(parts.to_dict())
    clock.append(time.perf_counter())

    warnings = oddities(ground_truth, results.detections)
    if args.template is None:
        warnings.append('scored on the open body; annotation of another surface, as '
                        "DensePose-COCO's, needs --template")
    for warning in warnings:
        say(f'warning: {warning}')
    if results.skipped:
        say('\n'.join(skipped_table(results)))
    diagnosis = None
    if args.diagnosis is not None:
        diagnosis = diagnose(ground_truth, results.detections, surface)
        write_diagnosis(diagnosis, args.diagnosis)
        say(f'wrote why to {args.diagnosis}')
    if args.out is not None:  # before anything is printed, since nobody may read that
        write(args.out, dict(
            figures=figures, warnings=warnings,
            skipped=dict(count=len(results.skipped), reasons=results.reasons(),
                         entries=[bad._asdict() for bad in results.skipped]),
            **provenance(args, ground_truth, results), started=started.isoformat('T', 'seconds'),
            seconds=dict(zip(('ground_truth', 'results', 'scoring'),
                             np.diff(clock).round(2).tolist(), strict=True))))
    print(figures_table(figures, args.kinds))
    if parts is not None:
        print('\n' + parts_table(parts))
    if diagnosis is not None:
        print('\n' + diagnosis_table(diagnosis))


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
