"""Measure how far interpolated correspondences are from the truth, on synthetic people.

    python tools/make_synth_dataset.py data/dense --train 0 --val 60 --test 0 --dense
    python tools/measure_interpolation.py data/dense --split val --max-edge 16 32 64

Reads a data set that was made with --dense, lets `InterpolateCorrespondences` add points in every
person's crop, and compares them with the full maps. The first row is the annotated points
themselves: what the rounding of annotation and maps amounts to.
"""
import argparse
import contextlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from mmengine.registry import init_default_scope
from tqdm import tqdm

from ktn_mm.datasets import DensePoseCocoDataset
from ktn_mm.surface import SurfaceTemplate


class Errors(NamedTuple):
    """Points against the truth.

    Attributes:
        right: (P,) bool, whether the pixel that holds the point shows its surface of its person.
        uv: (Q, 2) absolute errors of U, V, of points whose four pixels all do.
        distance: (Q,) metres on the body from the point's place to the true one.
    """

    right: np.ndarray
    uv: np.ndarray
    distance: np.ndarray


def point_errors(points: np.ndarray, surfaces: np.ndarray, uv: np.ndarray, iuv: np.ndarray,
                 own: np.ndarray, template: SurfaceTemplate) -> Errors:
    """Compare points of one person with the full map of the picture.

    Args:
        points: (P, 2) pixels of the picture.
        surfaces: (P,) 1..24.
        uv: (P, 2) in [0, 1].
        iuv: (h, w, 3) uint8: I, 255 U, 255 V.
        own: (h, w) bool, the person's pixels.
        template: the body.
    """
    height, width = own.shape
    labels = np.where(own, iuv[..., 0], 0)
    low = np.clip(np.floor(points).astype(int), 0, (width - 2, height - 2))
    near = np.clip(np.round(points).astype(int), 0, (width - 1, height - 1))
    right = labels[near[:, 1], near[:, 0]] == surfaces
    weight = np.clip(points - low, 0, 1)
    inside, truth = np.ones(len(points), bool), np.zeros((len(points), 2))
    for dx in (0, 1):
        for dy in (0, 1):
            x, y = low[:, 0] + dx, low[:, 1] + dy
            inside &= labels[y, x] == surfaces
            share = np.abs(1 - dx - weight[:, 0]) * np.abs(1 - dy - weight[:, 1])
            truth += share[:, None] * iuv[y, x, 1:] / 255
    uv, truth, surfaces = uv[inside], truth[inside], surfaces[inside]
    distance = template.distance(template.nearest_vertex(surfaces, uv),
                                 template.nearest_vertex(surfaces, truth))
    return Errors(right, np.abs(uv - truth), distance)


def dense_people(root: Path, split: str, size: tuple[int, int], step: dict
                 ) -> DensePoseCocoDataset:
    """Return the annotated people of a split, with the points that ``step`` adds."""
    init_default_scope('mmpose')
    pipeline = [dict(type='LoadPersonImage'), dict(type='LoadDenseMasks'),
                dict(type='GetBBoxCenterScale', padding=1.25),
                dict(type='DensePoseTopdownAffine', input_size=size), step]
    with contextlib.redirect_stdout(sys.stderr):  # pycocotools tells how it gets on
        return DensePoseCocoDataset(
            ann_file=str(root / 'annotations' / f'densepose_open_{split}.json'),
            data_prefix=dict(img=str(root / split)), pipeline=pipeline)


def measure(dataset: DensePoseCocoDataset, *, added: bool) -> Errors:
    """Compare the added points of all people with the truth, or else the annotated ones."""
    template, each = SurfaceTemplate.load(), []
    position, seen = {}, Counter()  # of an annotation in its picture, from 1
    for annotation in json.loads(Path(dataset.ann_file).read_text())['annotations']:
        seen[annotation['image_id']] += 1
        position[annotation['id']] = seen[annotation['image_id']]
    for index in tqdm(range(len(dataset)), unit='person', leave=False):
        person, known = dataset[index], len(dataset.get_data_info(index)['dp_surfaces'])
        if not known:
            continue
        base = Path(person['img_path']).with_suffix('')
        iuv, ids = (cv2.imread(f'{base}_{kind}.png', cv2.IMREAD_UNCHANGED)
                    for kind in ('iuv', 'ids'))
        if iuv is None or ids is None:
            raise FileNotFoundError(f'no {base}_iuv.png and _ids.png: make the data with --dense')
        which = slice(known, None) if added else slice(known)
        each.append(point_errors(
            person['dp_points'][which], person['dp_surfaces'][which], person['dp_uv'][which],
            iuv[..., ::-1], ids == position[person['id']], template))
    if not each:
        raise ValueError(f'{dataset.ann_file}: nobody with annotated points')
    return Errors(*map(np.concatenate, zip(*each, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='folder of make_synth_dataset.py --dense')
    parser.add_argument('--split', default='val', choices=('train', 'val', 'test'))
    parser.add_argument('--size', type=int, nargs=2, default=(192, 256), metavar=('W', 'H'),
                        help='of the crop (default: 192 256)')
    parser.add_argument('--stride', type=int, default=4, help='of the lattice (default: 4)')
    parser.add_argument('--max-edge', type=float, nargs='+', default=[32.],
                        help='longest edges of a trusted triangle, crop pixels (default: 32)')
    args = parser.parse_args()

    print('| points | number | on their surface | mean error of U | of V | on the body: mean | '
          '90 % below |\n|---|---|---|---|---|---|---|')
    for edge in (None, *args.max_edge):
        step = dict(type='InterpolateCorrespondences', stride=args.stride,
                    max_edge=edge or 1., max_added=10**6)
        errors = measure(dense_people(args.root, args.split, tuple(args.size), step),
                         added=edge is not None)
        name = 'annotated' if edge is None else f'added, edges up to {edge:g}'
        u, v = errors.uv.mean(0)
        print(f'| {name} | {len(errors.right)} | {100 * errors.right.mean():.1f} % | {u:.4f} | '
              f'{v:.4f} | {100 * errors.distance.mean():.2f} cm | '
              f'{100 * np.percentile(errors.distance, 90):.2f} cm |')


if __name__ == '__main__':
    main()
