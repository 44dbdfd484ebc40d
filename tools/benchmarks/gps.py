"""Measure the GPS evaluation at the size of DensePose-COCO's minival.

Makes files of that size once (1.6 GB in DIR; what they show is made up), then evaluates them in
processes of their own. The first one prepares the annotation, the others find it in the cache.
Prints time and peak memory of each stage, the median of the runs, and writes them as JSON.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the clone need not be installed
os.environ['KTN_MM_STANDALONE'] = '1'  # torch and mmpose would be most of the memory measured

import numpy as np  # noqa: E402
from minival_size import IMAGES, write_all  # noqa: E402
from peak_memory import peak_mb  # noqa: E402
from tqdm import tqdm  # noqa: E402

from ktn_mm.evaluation import GroundTruth, protocol  # noqa: E402
from ktn_mm.evaluation.challenge_json import read_picture  # noqa: E402
from ktn_mm.evaluation.detection import measure  # noqa: E402
from ktn_mm.surface import SurfaceTemplate  # noqa: E402

STAGES = {
    'ground-truth preparation': ('group_detections', 'prepare'),
    'point distances': ('point_tables',),
    'mask and box overlap': ('compare', 'image_table'),
    'matching': ('match',),
    'summary': ('precision_recall', 'summarise'),
}
"""What happens inside ``evaluate``, by the functions that do it."""
TEMPLATES = ('official size', 'open body')
PORTION = 500
"""Pictures that are held in memory between decoding and sampling."""


class Clock:
    """Sum the wall time of stages; take the highest memory seen at the end of each."""

    def __init__(self) -> None:
        self.seconds, self.peak_mb = {}, {}

    def timed(self, stage: str, function):
        """Return a function that does the same and is counted."""
        def wrapped(*args, **kwargs):
            start = time.perf_counter()
            result = function(*args, **kwargs)
            self.seconds[stage] = self.seconds.get(stage, 0) + time.perf_counter() - start
            self.peak_mb[stage] = peak_mb()
            return result
        return wrapped


def evaluate_once(folder: Path, template: str, compat: str | None, cold: bool) -> dict:
    """Evaluate the files of a folder in this process; return what the clock saw.

    Args:
        folder: of the files.
        template: ``'official size'`` or ``'open body'``.
        compat: the protocol.
        cold: keep away from the cache of the prepared annotation.
    """
    clock = Clock()
    start = time.perf_counter()
    surface = clock.timed('template', SurfaceTemplate.load)(
        folder / 'template.npz' if template == 'official size' else None)
    truth = clock.timed('annotation file', GroundTruth.load)(folder / 'gt.json', compat=compat)
    truth.digest = None if cold else truth.digest
    records = clock.timed('result file', lambda: json.loads((folder / 'results.json').read_text())
                          )()
    read = clock.timed('decoding PNGs, 1 process', read_picture)
    reduce = clock.timed('sampling', measure)
    detections = []
    for at in range(0, len(records), PORTION):
        portion = records[at:at + PORTION]
        for record, picture in zip(portion, [read(r) for r in portion], strict=True):
            detections.append(reduce(picture, np.array(record['bbox']), record['score'], truth,
                                     record['image_id']))
    for stage, names in STAGES.items():
        for name in names:
            setattr(protocol, name, clock.timed(stage, getattr(protocol, name)))
    figures = clock.timed('evaluate, whole', protocol.evaluate)(truth, detections, surface)
    return dict(seconds=clock.seconds, peak_mb=clock.peak_mb, total=time.perf_counter() - start,
                cpu=sum(os.times()[:2]), computed_pairs=count_pairs(truth, detections),
                figures={k: figures[k] for k in ('GPS/AP', 'GPSm/AP', 'segm/AP')})


def count_pairs(truth: GroundTruth, detections: list) -> int:
    """Count the pairs of a detection and a person with a point inside its box."""
    pairs = 0
    for detection in detections:
        counts = truth.points(detection.image_id).counts
        owner = np.repeat(np.arange(len(counts)), counts)
        pairs += len(np.unique(owner[detection.samples[:, 0] > 0]))
    return pairs


def run(folder: Path, template: str, compat: str, runs: int) -> list[dict]:
    """Evaluate in fresh processes: once without cache, once to fill it, then as often as asked."""
    command = [sys.executable, __file__, str(folder), '--once', template, '--compat', compat]
    results = []
    for number in tqdm(range(runs + 2), desc=f'{template}, compat {compat}', unit='run'):
        cold = ['--cold'] if number == 0 else []
        done = subprocess.run(command + cold, check=True, capture_output=True, text=True)
        if number != 1:
            results.append(json.loads(done.stdout))
    return results


def summary(results: list[dict]) -> dict:
    """Return the first run's preparation and the medians of the others."""
    first, others = results[0], results[1:]

    def median(key, stage):
        return round(statistics.median(r[key][stage] for r in others), 6)

    stages = {}
    for stage in others[0]['seconds']:
        stages[stage] = dict(seconds=median('seconds', stage), peak_mb=median('peak_mb', stage))
    besides = sum(stages[s]['seconds'] for s in ('sampling', 'evaluate, whole'))
    return dict(
        stages=stages,
        first_preparation_seconds=round(first['seconds']['ground-truth preparation'], 3),
        seconds_besides_reading=round(besides, 3),
        microseconds_a_pair=round(1e6 * besides / others[0]['computed_pairs'], 1),
        computed_pairs=others[0]['computed_pairs'], figures=others[0]['figures'])


def print_summary(name: str, data: dict) -> None:
    """Print a table."""
    print(f'\n{name}\n{"stage":<28}{"s":>9}{"peak MB":>10}')
    for stage, row in data['stages'].items():
        print(f'{stage:<28}{row["seconds"]:>9.2f}{row["peak_mb"]:>10.0f}')
    print(f'preparation without cache {data["first_preparation_seconds"]:.2f} s; all three kinds '
          f'besides reading files {data["seconds_besides_reading"]:.2f} s; '
          f'{data["microseconds_a_pair"]:.0f} us for each of {data["computed_pairs"]} pairs')


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, metavar='DIR', help='where the files are (made)')
    parser.add_argument('--runs', type=int, default=3, help='after the first; default 3')
    parser.add_argument('--out', type=Path, help='JSON file for the figures')
    parser.add_argument('--compat', default='detectron2', choices=['detectron2', 'none'])
    parser.add_argument('--template', choices=TEMPLATES, action='append',
                        help='default: both')
    parser.add_argument('--images', type=int, default=IMAGES,
                        help='fewer images, with fewer persons, for a try; default %(default)s')
    parser.add_argument('--once', help=argparse.SUPPRESS)
    parser.add_argument('--cold', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.once:
        compat = None if args.compat == 'none' else args.compat
        print(json.dumps(evaluate_once(args.folder, args.once, compat, args.cold)))
        return
    templates = args.template or TEMPLATES
    write_all(args.folder, args.images, with_template='official size' in templates,
              progress=lambda items, what: tqdm(items, desc=what))
    report = {}
    for template in templates:
        name = f'{template}, compat {args.compat}'
        report[name] = summary(run(args.folder, template, args.compat, args.runs))
        print_summary(name, report[name])
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
