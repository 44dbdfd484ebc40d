"""Make a surface template of the official DensePose files.

DIR holds
  SMPL_subdiv.mat, SMPL_SUBDIV_TRANSFORM.mat   the charts
  Pdist_matrix.pkl (or Pdist_matrix.mat)       the distances; read into memory whole
  UV_symmetry_transforms.mat                   optional: the mirror, without which nothing can flip
OUT is a .npz, such as data/densepose/template.npz; the distances go next to it, into
OUT's name with _distances.npy, and are read from there as they are needed.
"""
import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # a clone, or ktn_mm/.mim of an installed package
PACKAGE = ROOT / 'ktn_mm' if (ROOT / 'ktn_mm').is_dir() else ROOT.parent
if __name__ == '__main__':
    sys.path.insert(0, str(PACKAGE.parent))
    os.environ['KTN_MM_STANDALONE'] = '1'  # an mmpose that is there would be imported

import numpy as np  # noqa: E402

from ktn_mm.surface import SurfaceTemplate  # noqa: E402
from ktn_mm.surface.densepose_files import SYMMETRY_FILE, ChartFiles  # noqa: E402
from ktn_mm.surface.densepose_template import convert  # noqa: E402


def describe(template: SurfaceTemplate, charts: ChartFiles) -> list[str]:
    """Return lines with figures that tell whether the files belong together."""
    ends = np.concatenate([charts.faces[:, [0, 1]], charts.faces[:, [1, 2]]])
    length = np.linalg.norm(charts.vertices[ends[:, 0]] - charts.vertices[ends[:, 1]], axis=1)
    length = np.maximum(length, np.finfo(float).tiny)
    along = template.distance(*charts.vertex[ends].T)
    lines = [f'{len(charts.surface)} chart vertices of {template.num_vertices} vertices',
             'distance along an edge / its length (should be near 1): median '
             f'{np.median(along / length):.3f}']
    if charts.symmetry is None:
        return [*lines, f'no {SYMMETRY_FILE}: this template cannot mirror; train with flip prob 0 '
                'and model.test_cfg.flip_test=False']
    twice = template.mirror(*template.mirror(charts.surface, charts.uv))[1]
    return [*lines, 'U, V mirrored twice (should be near 0): mean difference '
            f'{np.abs(twice - charts.uv).mean():.4f}']


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, metavar='DIR', help='folder of the official files')
    parser.add_argument('out', type=Path, metavar='OUT', help='.npz to write')
    args = parser.parse_args()

    from tqdm import tqdm
    print(f'reading {args.folder}')
    charts = convert(args.folder, args.out,
                     progress=lambda chunks: tqdm(chunks, desc='distances', unit='chunk'))
    print(args.out, *describe(SurfaceTemplate.load(args.out), charts), sep='\n  ')


if __name__ == '__main__':
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
