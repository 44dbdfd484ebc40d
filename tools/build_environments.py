"""Write ktn_mm/synth/environments.npz from the panoramas of the npm package @pmndrs/assets.

The package (1.7.0, CC0-1.0) holds 18 panoramas of 512x256 pixels as base64 OpenEXR in
JavaScript files. Get it with ``npm pack @pmndrs/assets@1.7.0``, unpack it, and run

    python tools/build_environments.py package/hdri ktn_mm/synth/environments.npz

Needs ``pip install OpenEXR`` at build time only. The result holds an 8-bit picture of every
panorama, its light as nine coefficients of spherical harmonics, and its strongest light.
"""
import argparse
import base64
import re
import tempfile
from pathlib import Path

import cv2
import numpy as np

from ktn_mm.synth.harmonics import basis

SKY_SHARE = .995
"""Pixels brighter than 1.5 times this quantile count as a lamp or the sun, not as sky."""
BRIGHTEST = 2e4
COSINE_LOBE = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5)


def read_panorama(path: Path) -> np.ndarray:
    """Return the linear picture (256, 512, 3) float32 of one file of the package."""
    import OpenEXR
    match = re.search(r'base64,([A-Za-z0-9+/=]+)', path.read_text())
    if match is None:
        raise ValueError(f'{path}: no base64 picture found')
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'panorama.exr'
        file.write_bytes(base64.b64decode(match.group(1)))
        channels = OpenEXR.File(str(file)).channels()
        picture = np.array(channels['RGB'].pixels, np.float32)
    # In some files the sun overflowed: only one channel of it is left, or a negative number.
    height = np.nan_to_num(np.abs(picture), nan=0, posinf=BRIGHTEST)
    lamp = height.max(-1) > 50 * np.median(height)
    picture[lamp] = height[lamp].max(-1, keepdims=True)
    return np.clip(picture, 0, BRIGHTEST)


def directions(height: int, width: int) -> np.ndarray:
    """Return where each pixel of a panorama looks, (H, W, 3), z up."""
    polar = (np.arange(height) + .5) / height * np.pi
    turn = (np.arange(width) + .5) / width * 2 * np.pi
    polar, turn = np.meshgrid(polar, turn, indexing='ij')
    return np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn),
                     np.cos(polar)], -1)


def light_of(panorama: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Split the light into sky and sun.

    Returns:
        (9, 3) irradiance coefficients of the sky; (3,) direction of the sun; share of the
        sun in all the light that falls on level ground.
    """
    height, width = panorama.shape[:2]
    toward = directions(height, width).reshape(-1, 3)
    solid = np.repeat(np.sin((np.arange(height) + .5) / height * np.pi), width)
    solid *= np.pi / height * 2 * np.pi / width
    light = panorama.reshape(-1, 3).astype(np.float64)
    bright = light.mean(1)
    cap = np.quantile(bright, SKY_SHARE) * 1.5
    sky = light * np.minimum(1, cap / np.maximum(bright, 1e-6))[:, None]
    coefficients = np.einsum('pk,pc->kc', basis(toward) * solid[:, None], sky)
    coefficients *= COSINE_LOBE[:, None] / np.pi
    weight = bright * solid * (toward[:, 2] > .05)
    weight *= bright >= np.quantile(bright[toward[:, 2] > .05], .99)
    sun = (toward * weight[:, None]).sum(0)
    sun /= np.linalg.norm(sun)
    up = np.maximum(toward[:, 2], 0) * solid
    share = 1 - (up * sky.mean(1)).sum() / (up * bright).sum()
    return coefficients, sun, float(share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('hdri', type=Path, help='folder hdri of the unpacked npm package')
    parser.add_argument('out', type=Path, help='the .npz to write')
    args = parser.parse_args()
    files = sorted(args.hdri.glob('*.exr.js'))
    if not files:
        raise FileNotFoundError(f'{args.hdri}: no *.exr.js files')
    arrays, names = {}, []
    for path in files:
        panorama = read_panorama(path)
        name = path.name[:-len('.exr.js')]
        # Exposure: the middle grey of a photograph, with the ground weighing as much as the sky.
        panorama *= .28 / np.median(panorama.mean(-1).clip(1e-4))
        coefficients, sun, share = light_of(panorama)
        picture = np.clip(panorama / (1 + .25 * panorama) * 1.1, 0, 1) ** (1 / 2.2)
        done, code = cv2.imencode('.jpg', np.rint(picture[..., ::-1] * 255).astype(np.uint8),
                                  [cv2.IMWRITE_JPEG_QUALITY, 92])
        if not done:
            raise ValueError(f'{path}: cannot be encoded')
        arrays[f'{name}.jpg'] = code.reshape(-1)
        arrays[f'{name}.irradiance'] = coefficients.astype(np.float32)
        arrays[f'{name}.sun'] = np.append(sun, share).astype(np.float32)
        names.append(name)
        print(f'{name:12s} sun share {share:.2f}, elevation {np.degrees(np.arcsin(sun[2])):.0f}')
    np.savez_compressed(args.out, names=np.array(names), **arrays)
    print(f'{args.out}: {args.out.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
