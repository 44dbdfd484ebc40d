"""More correspondences than were annotated, between those that were."""
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmpose.registry import TRANSFORMS
from scipy.spatial import Delaunay, QhullError

from ktn_mm.codecs.sampling import BODY_UNKNOWN, sample_box_map, sample_image_map
from ktn_mm.surface.charts import SURFACE_TO_PART


def interpolate_uv(points: np.ndarray, uv: np.ndarray, where: np.ndarray,
                   max_edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate U, V of points of one surface linearly in the triangles between them.

    Args:
        points: (P, 2) known positions.
        uv: (P, 2) their U, V.
        where: (Q, 2) positions to fill.
        max_edge: triangles with a longer edge are not trusted.

    Returns:
        index (R,) into ``where`` of the positions inside a trusted triangle, uv (R, 2) float64.
    """
    nothing = np.zeros(0, np.int64), np.zeros((0, 2))
    if len(points) < 3 or len(where) == 0:
        return nothing
    points = np.asarray(points, np.float64)
    try:
        mesh = Delaunay(points)
    except QhullError:
        # All on one line: there is nothing between them.
        return nothing
    corners = points[mesh.simplices]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    trusted = edges.max(1) <= max_edge
    triangle = mesh.find_simplex(where)
    index = np.flatnonzero((triangle >= 0) & trusted[triangle])
    triangle = triangle[index]
    transform = mesh.transform[triangle]
    weights = np.einsum('nij,nj->ni', transform[:, :2], where[index] - transform[:, 2])
    weights = np.column_stack([weights, 1 - weights.sum(1)])
    values = np.einsum('nk,nkc->nc', weights, np.asarray(uv, np.float64)[mesh.simplices[triangle]])
    # A sliver's transform is NaN.
    finite = np.isfinite(values).all(1)
    return index[finite], values[finite].clip(0, 1)


@TRANSFORMS.register_module()
class InterpolateCorrespondences(BaseTransform):
    """Add points between the annotated ones of a person, surface by surface.

    The annotated points of a surface are triangulated in the crop; at the points of a regular
    lattice inside small triangles U and V are interpolated. A point that lies on another part
    according to ``dp_masks`` is not added, nor, without these, one outside the person's mask;
    nothing crosses from one surface to another.
    Comes after ``DensePoseTopdownAffine`` and ``LoadDenseMasks``.

    Required Keys: crop_frame, dp_points, transformed_dp_points, dp_surfaces, dp_uv; optional:
    dp_parts, dp_box, person_mask

    Modified Keys: dp_points, transformed_dp_points, dp_surfaces, dp_uv; the new ones come last

    Source: "Data Aug" of the paper's Table IX, which does not tell how; this way is ours.

    Args:
        stride: spacing of the lattice in crop pixels.
        max_edge: longest edge of a triangle that is trusted, in crop pixels.
        max_added: cap on the points that are added to a person; a random subset if there are more.
    """

    def __init__(self, stride: int = 4, max_edge: float = 32., max_added: int = 128) -> None:
        if stride < 1 or max_edge <= 0 or max_added < 0:
            raise ValueError(f'InterpolateCorrespondences: stride {stride} must be at least 1, '
                             f'max_edge {max_edge} positive, max_added {max_added} not negative')
        self.stride = stride
        self.max_edge = max_edge
        self.max_added = max_added

    @cache_randomness
    def _choose(self, count: int) -> np.ndarray:
        return np.sort(np.random.permutation(count)[:self.max_added])

    def transform(self, results: dict) -> dict:
        if 'crop_frame' not in results:
            raise ValueError('InterpolateCorrespondences must come after DensePoseTopdownAffine')
        if not len(results['dp_surfaces']):
            return results
        positions, surfaces, uv = self._candidates(results)
        chosen = self._choose(len(positions))
        new = dict(
            transformed_dp_points=positions[chosen],
            dp_points=results['crop_frame'].to_image(positions[chosen]),
            dp_surfaces=surfaces[chosen], dp_uv=uv[chosen])
        for key, values in new.items():
            old = results[key]
            results[key] = np.concatenate([old, values.astype(old.dtype)])
        return results

    def _candidates(self, results: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return positions (Q, 2) in the crop, surfaces (Q,), uv (Q, 2) of all possible points."""
        frame, known = results['crop_frame'], results['transformed_dp_points']
        position, surface, uv = [np.zeros((0, 2))], [np.zeros(0, np.int64)], [np.zeros((0, 2))]
        for label in np.unique(results['dp_surfaces']):
            own = results['dp_surfaces'] == label
            where = self._lattice(known[own], frame.size)
            index, values = interpolate_uv(known[own], results['dp_uv'][own], where,
                                           self.max_edge)
            position.append(where[index])
            surface.append(np.full(len(index), label))
            uv.append(values)
        position, surface, uv = (np.concatenate(v) for v in (position, surface, uv))
        if results.get('dp_parts') is not None:
            part = sample_box_map(results['dp_parts'], results['dp_box'], frame.to_image(position))
            agrees = (part == SURFACE_TO_PART[surface]) | (part == BODY_UNKNOWN)
        elif results.get('person_mask') is not None:
            agrees = sample_image_map(results['person_mask'], frame.to_image(position)) == 1
        else:
            return position, surface, uv
        return position[agrees], surface[agrees], uv[agrees]

    def _lattice(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return the (Q, 2) centres of stride x stride cells between the outermost points."""
        axes = []
        for low, high, extent in zip(points.min(0), points.max(0), size):
            axis = (np.arange(extent // self.stride) + 0.5) * self.stride - 0.5
            axes.append(axis[(axis >= low) & (axis <= high)])
        return np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(stride={self.stride}, max_edge={self.max_edge}, '
                f'max_added={self.max_added})')
