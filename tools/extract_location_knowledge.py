"""Take what a person detector knows about location out of its checkpoint, for KTM.

Reads the last layers of an mmdet detector and writes rows of them as the frozen source `location`:

    python tools/extract_location_knowledge.py faster_rcnn.pth location.npz

The result goes into a config as `head=dict(ktm=dict(location_file='location.npz'))`. Nothing in
the checkpoint but its weights is read.

Two-stage (Faster, Mask, Cascade R-CNN; layers fc_cls and fc_reg): one row, person minus
background, because under a softmax only this difference means something and a sum of the two
would cancel it; then the four rows of the person's box, or the four that all classes share. In a
cascade every stage gives these five.

RTMDet (layers rtm_cls and rtm_reg): its sigmoid classifier has no background, so the person's row
is that difference already; then the four distances to the sides of the box. Each of the three
levels has layers of its own and gives these five: classifiers first, finest level first.
"""
import argparse
import re
import sys
from pathlib import Path

import numpy as np

from ktn_mm.engine.safe_loading import read_weights

_CLASSIFIER = re.compile(r'bbox_head\.(?:\d+\.)?(fc_cls|rtm_cls)(?:\.\d+)?\.weight$')
_SOFTMAX = 'fc_cls'


def location_rows(weights: dict[str, np.ndarray], person: int = 0) -> np.ndarray:
    """Collect the rows of a detector's last layers.

    Args:
        weights: parameter name -> array.
        person: class index of the person.

    Returns:
        (n, D_loc) float32: the classifiers' rows first, then four rows for each regressor.

    Raises:
        ValueError: if there is no box classifier, the class or a regressor is missing, their rows
            differ in length, or hold numbers that are not finite.
    """
    classifiers, regressors = [], []
    for name in sorted(weights):
        match = _CLASSIFIER.search(name)
        if not match:
            continue
        rows = weights[name].reshape(len(weights[name]), -1)
        softmax = match[1] == _SOFTMAX
        classes = len(rows) - softmax
        if not 0 <= person < classes:
            raise ValueError(f'{name} knows classes 0..{classes - 1}, not {person}')
        classifiers.append(rows[person] - rows[-1] if softmax else rows[person])
        regressor = name.replace('_cls', '_reg')
        if regressor not in weights:
            raise ValueError(f'{name} comes without {regressor}')
        boxes = weights[regressor].reshape(len(weights[regressor]), -1)
        if len(boxes) not in (4, 4 * classes):
            raise ValueError(f'{regressor} has {len(boxes)} rows, neither 4 nor 4 for each of '
                             f'{classes} classes')
        regressors.append(boxes if len(boxes) == 4 else boxes[4 * person:4 * person + 4])
    if not classifiers:
        raise ValueError(
            'no box classifier: expected bbox_head.fc_cls (two-stage) or bbox_head.rtm_cls '
            f'(RTMDet), got {len(weights)} other layers such as {", ".join(list(weights)[-3:])}')
    lengths = sorted({rows.shape[-1] for rows in (*classifiers, *regressors)})
    if len(lengths) > 1:
        raise ValueError('the rows of classifier and regressor must have one length, got '
                         f'{lengths}: the two do not read the same features')
    found = np.concatenate([np.stack(classifiers), *regressors]).astype(np.float32)
    if not np.isfinite(found).all():
        raise ValueError('classifier or regressor holds numbers that are not finite')
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='of the detector: a file or an address')
    parser.add_argument('out', type=Path, help='.npz to write')
    parser.add_argument('--person', type=int, default=0, help='class index (default: 0, COCO)')
    args = parser.parse_args()
    weights = {k: v.float().numpy() for k, v in read_weights(args.checkpoint).items()}
    try:
        rows = location_rows(weights, args.person)
    except ValueError as error:
        raise ValueError(f'{args.checkpoint}: {error}') from error
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(args.out, weights=rows)
    print(f'{args.out}: {rows.shape[0]} rows of length {rows.shape[1]}')


if __name__ == '__main__':
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
