"""Limbs that run into the body, and how they are moved out of it."""
import numpy as np
from scipy.spatial import cKDTree

from ktn_mm.surface.charts import KEYPOINTS, SURFACES
from ktn_mm.synth.body import Body, Figure
from ktn_mm.synth.poses import PARAMETERS
from ktn_mm.synth.posing import bone_rotations

TOLERANCE = .012
"""Metres that a limb may sink into the body: flesh and cloth give way."""
MAX_STEPS = 8
REACH = .12
"""Farther than this from the next vertex, a point inside is not noticed."""
STRIDE = 3
"""One of so many of a limb's vertices is looked at."""

# By a step, in degrees: away from the trunk, and straighter.
_ARM_STEP = {'lift': 5., 'bend': -4.}
_LEG_STEP = {'out': 3.5}


def _on(nouns: tuple[str, ...], side: str, level: str | None = None) -> list[int]:
    return [s.index for s in SURFACES
            if s.noun in nouns and s.side == side and level in (None, s.level)]


class Contact:
    """Finds the vertices of a limb that lie inside another part of the same body."""

    def __init__(self, body: Body) -> None:
        self.body = body
        surface, rest = body.vertex_surface, body.vertices
        skin = np.zeros(len(rest), bool)
        skin[body.faces[:body.num_skin_faces].reshape(-1)] = True
        trunk = [s.index for s in SURFACES if s.noun in ('torso', 'head')]
        legs = [s.index for s in SURFACES if s.noun in ('leg', 'foot')]
        # Thighs touch each other at their tops whatever the pose.
        joints = body.keypoints(rest)
        hip, knee = (joints[KEYPOINTS.index(f'left_{name}'), 2] for name in ('hip', 'knee'))
        apart = rest[:, 2] < knee + .55 * (hip - knee)
        self.limbs = {}
        for side, other in (('left', 'right'), ('right', 'left')):
            fore = np.isin(surface, _on(('arm',), side, 'lower') + _on(('hand',), side))
            against = np.isin(surface, trunk + legs + _on(('arm', 'hand'), other))
            self.limbs[f'{side}_arm'] = self._pair(fore & skin, against & skin)
            leg = np.isin(surface, _on(('leg', 'foot'), side)) & apart
            against = np.isin(surface, _on(('leg', 'foot'), other)) & apart
            self.limbs[f'{side}_leg'] = self._pair(leg & skin, against & skin)

    @staticmethod
    def _pair(limb: np.ndarray, against: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.flatnonzero(limb)[::STRIDE], np.flatnonzero(against)

    def depths(self, vertices: np.ndarray) -> dict[str, float]:
        """Return how deep each limb is inside what it may not enter, in metres.

        A vertex counts as inside if it lies behind the tangent plane of the nearest vertex.

        Args:
            vertices: (N, 3) of a posed body.
        """
        normals = self.body.normals(vertices)
        result = {}
        for name, (limb, against) in self.limbs.items():
            points, surface = vertices[limb], vertices[against]
            # Only what is within the limb's own box can be near it.
            low, high = points.min(0) - .03, points.max(0) + .03
            near = against[((surface > low) & (surface < high)).all(1)]
            if not len(near):
                result[name] = 0.
                continue
            distance, index = cKDTree(vertices[near]).query(points, distance_upper_bound=REACH)
            found = np.isfinite(distance)
            nearest = near[index[found]]
            height = np.einsum('pd,pd->p', points[found] - vertices[nearest], normals[nearest])
            result[name] = float(max(0., -height.min())) if len(height) else 0.
        return result

    def part(self, figure: Figure, angles: np.ndarray, clothed: np.ndarray,
             limits: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Move limbs out of the body.

        Args:
            figure: the body at rest.
            angles: (D,) a pose.
            clothed: (N, 3) the figure's vertices with what is worn.
            limits: (D, 2) lowest and highest angles.

        Returns:
            The angles of the shallowest pose that was found, its vertices (N, 3), and its
            greatest depth in metres.
        """
        best = None
        for _ in range(MAX_STEPS + 1):
            vertices = self.body.pose(figure, bone_rotations(self.body, angles), clothed)
            depths = self.depths(vertices)
            worst = max(depths.values())
            if best is None or worst < best[2]:
                best = angles, vertices, worst
            if worst <= TOLERANCE:
                break
            angles = angles.copy()
            for limb, depth in depths.items():
                if depth > TOLERANCE:
                    for joint, step in (_ARM_STEP if 'arm' in limb else _LEG_STEP).items():
                        angles[PARAMETERS.index(f'{limb}.{joint}')] += step
            angles = np.clip(angles, limits[:, 0], limits[:, 1])
        return best
