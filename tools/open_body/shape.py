"""The shape space: principal components of a population."""
import numpy as np


def shape_space(people: np.ndarray, heads: np.ndarray, components: int):
    """Find the main directions in which bodies differ.

    P people, N vertices, B bones, C components.

    Args:
        people: (P, N, 3) vertices.
        heads: (P, B, 3) bone heads.
        components: C.

    Returns:
        (C,) standard deviations: root mean square displacement of a vertex in metres;
        (C, N, 3) and (C, B, 3) directions of vertices and heads at one standard deviation 1 m;
        (P, C) the coefficients of the people, unit variance.
    """
    count = people.shape[1]
    data = np.concatenate([people, heads], 1)
    data = (data - data.mean(0)).reshape(len(people), -1)
    left, singular, right = np.linalg.svd(data, full_matrices=False)
    right = right[:components].reshape(components, -1, 3)
    sign = np.sign(right[:, :count, 2].max(1) + right[:, :count, 2].min(1))
    sign[sign == 0] = 1.
    right = right * sign[:, None, None]
    scale = np.sqrt(count)
    std = singular[:components] / np.sqrt(len(people)) / scale
    coefficients = left[:, :components] * np.sqrt(len(people)) * sign
    return std, right[:, :count] * scale, right[:, count:] * scale, coefficients
