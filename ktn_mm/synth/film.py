"""How a camera turns light into a file: exposure, colour, blur, noise, compression."""
from typing import NamedTuple

import cv2
import numpy as np

METERED = .3
"""Mean linear light that a camera exposes for."""


class Film(NamedTuple):
    """How one picture is taken and stored.

    Attributes:
        exposure: factor on the metered light.
        balance: (3,) factors on red, green and blue.
        contrast: 1 keeps it, more is harder.
        saturation: 0 grey, 1 as it is.
        vignette: share of the light that is missing in the corners.
        haze: light that is added everywhere.
        defocus: blur, standard deviation in pixels.
        motion: length in pixels and direction in degrees of the blur of a moved camera.
        reduced: size at which the picture was once stored, relative to its own.
        noise: standard deviation, display values 0..1.
        clump: size of the noise's grain, standard deviation in pixels.
        sharpen: strength of an unsharp mask.
        quality: of a JPEG that the picture once was, or None.
    """

    exposure: float
    balance: np.ndarray
    contrast: float
    saturation: float
    vignette: float
    haze: float
    defocus: float
    motion: tuple[float, float]
    reduced: float
    noise: float
    clump: float
    sharpen: float
    quality: int | None


def draw_film(rng: np.random.Generator) -> Film:
    """Draw how a picture is taken: mostly well, now and then badly."""
    def now_and_then(chance: float, value: float, otherwise: float = 0.) -> float:
        return float(value if rng.random() < chance else otherwise)

    warm = rng.normal(0, .09)
    return Film(
        exposure=float(np.clip(2 ** rng.normal(.1, .32), .6, 2.)),
        balance=np.exp(np.array([warm, rng.normal(0, .025), -warm])),
        contrast=float(rng.uniform(.85, 1.3)),
        saturation=now_and_then(.96, rng.uniform(.6, 1.2)),
        vignette=now_and_then(.4, rng.uniform(.1, .45)),
        haze=now_and_then(.15, rng.uniform(.02, .1)),
        defocus=now_and_then(.25, rng.uniform(.4, 1.5)),
        motion=(now_and_then(.1, rng.uniform(2, 6)), float(rng.uniform(0, 180))),
        reduced=now_and_then(.2, rng.uniform(.45, .9), 1.),
        noise=float(rng.choice([rng.uniform(.002, .012), rng.uniform(.012, .03)], p=[.75, .25])),
        clump=now_and_then(.5, rng.uniform(.4, .9)),
        sharpen=now_and_then(.3, rng.uniform(.3, 1.)),
        quality=int(rng.integers(28, 93)) if rng.random() < .75 else None)


def develop(light: np.ndarray, film: Film, rng: np.random.Generator) -> np.ndarray:
    """Turn linear light (h, w, 3) float32 into a picture (h, w, 3) uint8.

    Blur is symmetric and nothing is displaced, so that labels keep their places.
    """
    height, width = light.shape[:2]
    # The camera's own metering takes back half of what a picture is too dark or too bright.
    metered = np.clip((METERED / max(float(light.mean()), 1e-3)) ** .5, .6, 2.)
    gain = (metered * film.exposure * film.balance).astype(np.float32)
    light = light * gain + np.float32(film.haze)
    if film.vignette:
        y, x = np.ogrid[-1:1:height * 1j, -1:1:width * 1j]
        light = light * (1 - film.vignette * (x * x + y * y) / 2).astype(np.float32)[..., None]
    if film.defocus:
        light = cv2.GaussianBlur(light, (0, 0), film.defocus)
    if film.motion[0]:
        light = cv2.filter2D(light, -1, _streak(*film.motion), borderType=cv2.BORDER_REFLECT)
    shown = np.clip(light / (1 + .12 * light) * 1.12, 0, 1) ** np.float32(1 / 2.2)
    shown = np.clip(.5 + (shown - .5) * np.float32(film.contrast), 0, 1)
    grey = shown @ np.float32([.299, .587, .114])
    shown = grey[..., None] + (shown - grey[..., None]) * np.float32(film.saturation)
    grain = rng.standard_normal(shown.shape, np.float32)
    if film.clump:
        grain = cv2.GaussianBlur(grain, (0, 0), film.clump)
        grain /= grain.std()
    shown = shown + grain * np.float32(film.noise)
    if film.reduced < 1:
        small = cv2.resize(shown, None, fx=film.reduced, fy=film.reduced,
                           interpolation=cv2.INTER_AREA)
        shown = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if film.sharpen:
        shown = shown + np.float32(film.sharpen) * (
            shown - cv2.GaussianBlur(shown, (0, 0), 1.2))
    picture = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    if film.quality is not None:
        code = cv2.imencode('.jpg', picture[..., ::-1],
                            [cv2.IMWRITE_JPEG_QUALITY, film.quality])[1]
        picture = np.ascontiguousarray(cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1])
    return picture


def _streak(length: float, degrees: float) -> np.ndarray:
    """Return the kernel of a straight, symmetric motion; its sum is 1."""
    half = int(np.ceil(length / 2))
    steps = np.linspace(-.5, .5, 33) * length
    x, y = steps * np.cos(np.radians(degrees)), steps * np.sin(np.radians(degrees))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    np.add.at(kernel, (np.rint(y).astype(int) + half, np.rint(x).astype(int) + half), 1)
    return kernel / kernel.sum()
