"""From heat maps to keypoints, without torch."""
import cv2
import numpy as np

LOWEST, HIGHEST = 1e-3, 50.
"""Heat is kept in this range before its logarithm is taken."""


def decode_keypoints(heatmaps: np.ndarray, blur_kernel_size: int
                     ) -> tuple[np.ndarray, np.ndarray]:
    """Find the keypoints of one crop.

    The hottest cell is refined by one Newton step towards the top of the logarithm of the blurred
    map, which is a parabola where the heat is a Gaussian. A map without any heat above 0 gives
    (-1, -1), which mmpose then moves by what lies beside the map in memory.

    Source: Zhang et al., Distribution-Aware Coordinate Representation for Human Pose Estimation,
    CVPR 2020, in the form of Huang et al., The Devil Is in the Details: Delving Into Unbiased
    Data Processing, CVPR 2020. The same numbers as mmpose's ``UDPHeatmap.decode``.

    Args:
        heatmaps: (K, H, W) float32.
        blur_kernel_size: in cells, odd.

    Returns:
        (K, 2) float64 cells x, y; (K,) float32 scores, the heat there.
    """
    height, width = heatmaps.shape[1:]
    flat = heatmaps.reshape(len(heatmaps), -1)
    hottest = flat.argmax(1)
    scores = flat[np.arange(len(flat)), hottest]
    cells = np.column_stack([hottest % width, hottest // width]).astype(np.float64)
    cells[scores <= 0] = -1
    for k in np.flatnonzero(scores > 0).tolist():
        x, y = cells[k].astype(int).tolist()
        around = np.ix_(np.clip([y - 1, y, y + 1], 0, height - 1),
                        np.clip([x - 1, x, x + 1], 0, width - 1))
        blurred = _blur(heatmaps[k], blur_kernel_size)
        near = blurred[around] * (scores[k] / blurred.max())
        cells[k] += _step_to_top(np.log(np.clip(near, LOWEST, HIGHEST)))
    return cells, scores


def _blur(heat: np.ndarray, kernel_size: int) -> np.ndarray:
    """Blur a map (H, W), as if there were no heat beyond its edges."""
    return cv2.GaussianBlur(heat, (kernel_size, kernel_size), 0, borderType=cv2.BORDER_CONSTANT)


def _step_to_top(near: np.ndarray) -> np.ndarray:
    """Return the Newton step (x, y) from the middle of a (3, 3) patch to its extremum."""
    middle = near[1, 1]
    dx, dy = (near[1, 2] - near[1, 0]) / 2, (near[2, 1] - near[0, 1]) / 2
    dxx = near[1, 2] - 2 * middle + near[1, 0]
    dyy = near[2, 1] - 2 * middle + near[0, 1]
    # the corners on one diagonal, as UDP has it
    dxy = (near[2, 2] - near[1, 2] - near[2, 1] + 2 * middle
           - near[1, 0] - near[0, 1] + near[0, 0]) / 2
    curvature = np.array([[dxx, dxy], [dxy, dyy]], np.float64)
    # where the heat is flat the step is 0 and not undefined
    curvature += np.finfo(np.float32).eps * np.eye(2)
    return -np.linalg.solve(curvature, np.array([dx, dy], np.float64))
