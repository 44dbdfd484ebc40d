"""Draw the open body for the documentation; run: python tools/open_body/picture.py OUT.png."""
import argparse
from pathlib import Path

import numpy as np

BODY = Path(__file__).resolve().parents[2] / 'ktn_mm' / 'surface' / 'open_body.npz'
VIEWS = {'front': (1., 0., 0.), 'back': (-1., 0., 0.)}
"""Direction on the body that points right in the picture."""


def split_in_four(triangles: np.ndarray) -> np.ndarray:
    """Split every triangle at the middles of its sides: (F, 3, d) -> (4F, 3, d)."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    return np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c),
                                                    (ab, bc, ca))])


def draw_body(axes, corners, uv, colours, right) -> None:
    """Paint the body with lines of equal U (dark) and V (light), every tenth."""
    from matplotlib.collections import PolyCollection

    right = np.asarray(right)
    up = np.array([0., 0., 1.])
    towards = np.cross(right, up)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = normal @ towards / (np.linalg.norm(normal, axis=1) + 1e-12)
    order = np.argsort(corners.mean(1) @ towards)
    order = order[facing[order] > 0]
    paint = colours[order] * (0.55 + 0.45 * facing[order, None])
    tenth = np.abs(uv[order].mean(1) * 10 - np.round(uv[order].mean(1) * 10)) < 0.08
    paint[tenth[:, 0]] *= 0.4
    paint[tenth[:, 1]] = paint[tenth[:, 1]] * 0.4 + 0.6
    flat = np.stack([corners[order] @ right, corners[order] @ up], 2)
    axes.add_collection(PolyCollection(flat, facecolors=paint, edgecolors=paint, linewidths=0.2))
    axes.autoscale()
    axes.set_aspect('equal')
    axes.axis('off')


def main() -> None:
    """Draw front, back and the 24 charts."""
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    from matplotlib.collections import PolyCollection
    from PIL import Image

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('out', type=Path, help='picture to write')
    out = parser.parse_args().out
    body = np.load(BODY)
    surface = body['face_surface'].astype(int)
    corners = body['vertices'][body['faces'].astype(int)].astype(np.float64)
    uv = body['chart_uv'][body['chart_faces'].astype(int)].astype(np.float64)
    palette = plt.get_cmap('hsv')(np.arange(25) * 7 % 24 / 24)[:, :3] * 0.6 + 0.35
    palette = np.clip(palette, 0, 1)

    figure = plt.figure(figsize=(14, 11))
    rows = figure.add_gridspec(1, 2, width_ratios=(1, 1.25), wspace=0.02)
    left, right = rows[0].subgridspec(2, 1, hspace=0.02), rows[1].subgridspec(6, 4)
    fine, fine_uv, fine_surface = corners, uv, surface
    for _ in range(2):
        fine, fine_uv = split_in_four(fine), split_in_four(fine_uv)
        fine_surface = np.tile(fine_surface, 4)
    for k, (name, direction) in enumerate(VIEWS.items()):
        axes = figure.add_subplot(left[k])
        draw_body(axes, fine, fine_uv, palette[fine_surface], direction)
        axes.set_title(name, fontsize=10)
    skin = int(body['num_skin_faces'])
    for index in range(1, 25):
        axes = figure.add_subplot(right[(index - 1) // 4, (index - 1) % 4])
        axes.add_collection(PolyCollection(uv[:skin][surface[:skin] == index],
                                           facecolors=palette[index], edgecolors='k',
                                           linewidths=0.15))
        axes.set(xlim=(-.02, 1.02), ylim=(-.02, 1.02), xticks=(0, 1), yticks=(0, 1), aspect=1)
        axes.set_title(str(index), fontsize=8, pad=2)
        axes.tick_params(labelsize=6)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100, bbox_inches='tight')
    with Image.open(out) as picture:
        small = picture.convert('RGB').quantize(128, dither=Image.Dither.NONE)
    small.save(out, optimize=True)


if __name__ == '__main__':
    main()
