"""Measure what diagnosis and part segmentation cost beside the GPS evaluation.

Works on the files of tools/benchmarks/gps.py, which are made if DIR lacks them. Prints processor
seconds of each stage, and the highest memory seen by its end.
"""
import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # a clone, or ktn_mm/.mim of an installed package
PACKAGE = ROOT / 'ktn_mm' if (ROOT / 'ktn_mm').is_dir() else ROOT.parent
sys.path.insert(0, str(PACKAGE.parent))
os.environ['KTN_MM_STANDALONE'] = '1'  # torch and mmpose would be most of the memory measured

import numpy as np  # noqa: E402
from minival_size import IMAGES, write_all  # noqa: E402
from tqdm import tqdm  # noqa: E402

from ktn_mm.evaluation import GroundTruth, evaluate  # noqa: E402
from ktn_mm.evaluation.challenge_json import read_picture  # noqa: E402
from ktn_mm.evaluation.detection import measure  # noqa: E402
from ktn_mm.evaluation.diagnosis import diagnose  # noqa: E402
from ktn_mm.evaluation.part_figures import part_figures  # noqa: E402
from ktn_mm.surface import SurfaceTemplate  # noqa: E402

WANTS = {'measure': {}, 'measure, filled': dict(filled=True), 'measure, parts': dict(parts=True)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, metavar='DIR', help='where the files are (made)')
    parser.add_argument('--official-size', action='store_true',
                        help='on distances of the official size (1.5 GB), not on the open body')
    parser.add_argument('--images', type=int, default=IMAGES,
                        help='fewer images, with fewer persons, for a try; default %(default)s')
    args = parser.parse_args()
    write_all(args.folder, args.images, with_template=args.official_size,
              progress=lambda items, what: tqdm(items, desc=what))
    surface = SurfaceTemplate.load(args.folder / 'template.npz' if args.official_size else None)
    truth = GroundTruth.load(args.folder / 'gt.json')
    seconds = dict.fromkeys(WANTS, 0.)
    detections = []
    for record in tqdm(json.loads((args.folder / 'results.json').read_text()), unit='record'):
        of = read_picture(record), np.array(record['bbox']), record['score'], truth, \
            record['image_id']
        for stage, wants in WANTS.items():
            start = time.process_time()
            measure(*of, **wants)
            seconds[stage] += time.process_time() - start
        detections.append(measure(*of, filled=True, parts=True))
    print(f'{len(detections)} detections')
    for stage, spent in seconds.items():
        report(stage, spent)
    for stage, work in (('evaluate', lambda: evaluate(truth, detections, surface)),
                        ('diagnose', lambda: diagnose(truth, detections, surface)),
                        ('part figures', lambda: part_figures(truth, detections))):
        start = time.process_time()
        work()
        report(stage, time.process_time() - start)


def report(stage: str, seconds: float) -> None:
    """Print a line."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'{stage:<16}{seconds:>8.2f} s{memory:>8.0f} MB')


if __name__ == '__main__':
    main()
