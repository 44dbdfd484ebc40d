"""The atlas of the skin: 24 unfolded charts, left and right the same."""
from dataclasses import dataclass

import numpy as np

from ktn_mm.surface.charts import NUM_SURFACES, SURFACE_TWIN

from .mesh import compact, euler_characteristic, signed_areas
from .source import Body
from .unfold import doubly_covered, unfold

ARM_AXES = {3: ('finger5-1.R', 'finger1-1.R'), 16: ('lowerarm01.R', 'upperarm01.R'),
            18: ('lowerarm01.R', 'upperarm01.R'), 20: ('wrist.R', 'lowerarm01.R'),
            22: ('wrist.R', 'lowerarm01.R'), 6: ('toe3-1.R', 'foot.R')}
"""Bones from and to which V grows; all other charts are upright in the A-pose."""

MIDDLE = tuple(s for s in range(1, NUM_SURFACES + 1) if SURFACE_TWIN[s] == s)
"""Surfaces that are their own mirror image."""


@dataclass
class Atlas:
    """Unfolded charts; M chart vertices, S skin faces.

    Attributes:
        vertex: (M,) mesh vertex of each chart vertex.
        surface: (M,) its surface 1..24.
        uv: (M, 2) in [0, 1].
        faces: (S, 3) into the chart vertices, in the order of the skin faces.
    """

    vertex: np.ndarray
    surface: np.ndarray
    uv: np.ndarray
    faces: np.ndarray


def build_atlas(body: Body, face_surface: np.ndarray) -> Atlas:
    """Unfold the charts of the right half and of the torso, copy them to the left.

    Args:
        body: closed and symmetric.
        face_surface: (S,) surface of every skin face.

    Returns:
        The atlas. Right charts are seen from outside, left ones carry the UV of the mirror
        vertices; the torso's charts turn U into 1 - U under the mirror.

    Raises:
        RuntimeError: a chart is not a disc.
    """
    vertex, surface, uv = [], [], []
    faces = np.zeros_like(body.skin)
    offset = 0
    unfolded: dict[int, dict[int, np.ndarray]] = {}
    order = sorted(range(1, NUM_SURFACES + 1), key=lambda s: body_side(body, face_surface, s))
    for index in order:
        chosen = face_surface == index
        used, local = compact(body.skin[chosen])
        if euler_characteristic(local) != 1:
            raise RuntimeError(f'surface {index} is not a disc')
        twin = unfolded.get(int(SURFACE_TWIN[index]))
        if twin is None:
            flat = unfold(body.vertices[used], local, _height(body, index)[used])
            if index in MIDDLE:
                flat = _symmetric(flat, used, body.mirror)
            unfolded[index] = dict(zip(used.tolist(), flat, strict=True))
        else:
            flat = np.stack([twin[v] for v in body.mirror[used].tolist()])
        vertex.append(used)
        surface.append(np.full(len(used), index))
        uv.append(flat)
        faces[chosen] = local + offset
        offset += len(used)
    return Atlas(np.concatenate(vertex), np.concatenate(surface), np.concatenate(uv), faces)


def body_side(body: Body, face_surface: np.ndarray, index: int) -> bool:
    """Tell whether a surface lies on the person's left."""
    return bool(body.vertices[body.skin[face_surface == index], 0].mean() > 1e-3)


def _height(body: Body, index: int) -> np.ndarray:
    """(N,) the height that V of a surface follows."""
    if index not in ARM_AXES:
        return body.vertices[:, 2]
    low, high = (body.head_of(bone) for bone in ARM_AXES[index])
    return body.vertices @ (high - low)


def _symmetric(uv: np.ndarray, used: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Average the map of a surface on the mid-plane with its mirror image."""
    row = {v: k for k, v in enumerate(used.tolist())}
    image = uv[[row[v] for v in mirror[used].tolist()]]
    return (uv + np.stack([1 - image[:, 0], image[:, 1]], 1)) / 2


def check_atlas(atlas: Atlas, face_surface: np.ndarray) -> dict[int, tuple[int, int, float]]:
    """Look for flipped triangles and overlaps.

    Args:
        atlas: to check; its UV may be rounded already.
        face_surface: (S,) surface of every skin face.

    Returns:
        surface -> (triangles against the majority's direction or without area, doubly covered
        cells of a 400 x 400 raster, share of the square that is covered).
    """
    result = {}
    for index in range(1, NUM_SURFACES + 1):
        faces = atlas.faces[face_surface == index]
        area = signed_areas(atlas.uv, faces)
        area *= np.sign(np.median(area))
        result[index] = (int((area <= 0).sum()),
                         doubly_covered(atlas.uv, faces), float(np.abs(area).sum()))
    return result
