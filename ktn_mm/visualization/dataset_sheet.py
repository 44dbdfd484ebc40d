"""A contact sheet of a data set: picture with keypoints, surfaces, U and V side by side."""
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ktn_mm.structures.crop_frame import box_to_image
from ktn_mm.synth.annotation import FRAME, SKELETON
from ktn_mm.visualization.painting import paint_coordinate, paint_surfaces


def draw_row(folder: Path, image: dict, annotations: list[dict]) -> np.ndarray:
    """Return one picture's row of four (h, 4 w, 3) uint8.

    Where the full maps exist they are shown, else the annotated points.
    """
    picture = np.array(Image.open(folder / image['file_name']).convert('RGB'))
    shown = picture.copy()
    for annotation in annotations:
        draw_keypoints(shown, np.array(annotation['keypoints'], float).reshape(-1, 3))
    dense = folder / (Path(image['file_name']).stem + '_iuv.png')
    if dense.is_file():
        iuv = np.array(Image.open(dense))
    else:
        iuv = _iuv_of_points(picture.shape[:2], annotations)
    uv = [paint_coordinate(iuv[..., k] / 255., iuv[..., 0] > 0) for k in (1, 2)]
    return np.concatenate([shown, paint_surfaces(iuv[..., 0]), *uv], 1)


def draw_keypoints(picture: np.ndarray, keypoints: np.ndarray) -> None:
    """Draw keypoints (17, 3), x, y and visibility, with their bones into an RGB picture.

    The nose is green, the left blue, the right red; what is hidden is grey.
    """
    at = np.rint(keypoints[:, :2]).astype(int)
    for a, b in np.array(SKELETON) - 1:
        if keypoints[a, 2] and keypoints[b, 2]:
            cv2.line(picture, at[a].tolist(), at[b].tolist(), (255, 255, 0), 1, cv2.LINE_AA)
    for row, (point, v) in enumerate(zip(at, keypoints[:, 2], strict=True)):
        if v:
            color = (0, 255, 0) if row == 0 else (40, 90, 255) if row % 2 else (255, 40, 40)
            cv2.circle(picture, point.tolist(), 2, color if v == 2 else (128, 128, 128), -1)


def _iuv_of_points(size: tuple[int, int], annotations: list[dict]) -> np.ndarray:
    iuv = np.zeros((*size, 3), np.uint8)
    for one in annotations:
        if 'dp_I' not in one:
            continue
        frame = np.stack([one['dp_x'], one['dp_y']], 1)
        pixels = np.rint(box_to_image(frame, one['bbox'], FRAME)).astype(int)
        values = np.stack([one['dp_I'], np.multiply(one['dp_U'], 255),
                           np.multiply(one['dp_V'], 255)], 1).astype(np.uint8)
        for (x, y), value in zip(pixels.tolist(), values.tolist(), strict=True):
            cv2.circle(iuv, (x, y), 1, value, -1)
    return iuv


def write_sheet(path: str | Path, folder: Path, coco: dict, rows: int = 6,
                columns: int = 2) -> None:
    """Write the first pictures of a split as a sheet.

    Args:
        path: a PNG or JPEG file.
        folder: of the split's pictures.
        coco: the split's COCO dictionary.
        rows: pictures below each other.
        columns: pictures beside each other.
    """
    images = coco['images'][:rows * columns]
    tiles = [draw_row(Path(folder), image, [a for a in coco['annotations']
                                            if a['image_id'] == image['id']])
             for image in images]
    while len(tiles) % columns:
        tiles.append(np.zeros_like(tiles[0]))
    lines = [np.concatenate(tiles[i:i + columns], 1) for i in range(0, len(tiles), columns)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(lines, 0)).save(path)


def write_pictures(path: str | Path, folder: Path, coco: dict, rows: int = 5,
                   columns: int = 6) -> None:
    """Write the first pictures of a split beside each other, nothing drawn on them.

    Args:
        path: a PNG or JPEG file.
        folder: of the split's pictures.
        coco: the split's COCO dictionary.
        rows: pictures below each other.
        columns: pictures beside each other.
    """
    tiles = [np.array(Image.open(Path(folder) / image['file_name']).convert('RGB'))
             for image in coco['images'][:rows * columns]]
    while len(tiles) % columns:
        tiles.append(np.zeros_like(tiles[0]))
    lines = [np.concatenate(tiles[i:i + columns], 1) for i in range(0, len(tiles), columns)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(lines, 0)).save(path)
