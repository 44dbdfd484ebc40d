"""Write a data set of synthetic people: pictures and COCO files, with several processes.

A picture depends on the seed, its split and its number only: not on the number of processes,
not on the other pictures. So an interrupted run can be taken up where it stopped.
"""
import functools
import hashlib
import json
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from ktn_mm.surface.charts import KEYPOINTS
from ktn_mm.synth.annotation import SKELETON, annotate, measure_visibility
from ktn_mm.synth.body import OPEN_BODY, Body, open_body
from ktn_mm.synth.clothed_body import clothed_body
from ktn_mm.synth.contact import Contact
from ktn_mm.synth.environments import ENVIRONMENTS, PHOTO_PACKAGE, find_photos, split_of_panorama
from ktn_mm.synth.garments import Tailor
from ktn_mm.synth.motions import MOTIONS
from ktn_mm.synth.picture import Labels, draw_picture
from ktn_mm.synth.scene import STEEPEST_ELEVATION, draw_scene
from ktn_mm.synth.staging import stage_scene

SPLITS = ('train', 'val', 'test')
FIRST_ID = {'train': 1, 'val': 1_000_001, 'test': 2_000_001}
"""Image and annotation ids count from here, so that they never meet across splits."""
VERSION = 1
"""Raise it with any change that alters pictures or labels of plain scenes."""
STAGED_VERSION = 1
"""Raise it with any change that alters pictures or labels of staged scenes."""
JPEG_QUALITY = 92


class Job(NamedTuple):
    """One picture to make."""

    out: Path
    split: str
    index: int
    size: tuple[int, int]
    seed: int
    dense: bool
    use_photos: bool
    staged: bool = False
    elevation: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """File name of the picture without its ending: its image id."""
        return f'{FIRST_ID[self.split] + self.index:06d}'

    @property
    def record(self) -> Path:
        """The file that says the picture is finished; holds its part of the COCO file."""
        return self.out / 'records' / self.split / f'{self.name}.json'

    def files(self) -> list[Path]:
        """Return all files that belong to the picture, the record last."""
        folder = self.out / self.split
        dense = [folder / f'{self.name}_iuv.png', folder / f'{self.name}_ids.png']
        return [folder / f'{self.name}.jpg', *(dense if self.dense else []), self.record]

    def finished(self) -> bool:
        """Tell whether nothing is left to do."""
        return all(file.is_file() for file in self.files())


def make_dataset(out: str | Path, counts: dict[str, int], size: tuple[int, int] = (320, 320),
                 seed: int = 0, workers: int = 1, *, dense: bool = False,
                 use_photos: bool = True, staged: bool = False,
                 elevation: tuple[float, float] | None = None,
                 progress: bool = True) -> dict[str, dict]:
    """Write pictures and annotations; keep what an earlier run has finished.

    Args:
        out: the folder.
        counts: pictures of each split.
        size: (w, h) of every picture.
        seed: same seed, same bytes.
        workers: processes.
        dense: write the full map of every picture too: ``*_iuv.png`` (red I, green 255 U,
            blue 255 V) and ``*_ids.png`` (annotations of the picture counted from 1; other
            people and things are 0 in both).
        use_photos: use the photographs of rooms where their package is installed.
        staged: show people as photographs do, see :mod:`staging`; needs the photographs.
        elevation: bounds of the angle in degrees from which cameras look down, see
            :func:`scene.draw_scene`; not with ``staged``.
        progress: show a bar.

    Returns:
        The COCO dictionaries by split.

    Raises:
        ValueError: if an argument is out of range, or the folder was made with other settings.
        FileNotFoundError: if the photographs are needed and missing.
    """
    out = Path(out)
    _check(counts, size, workers, elevation)
    if staged and elevation is not None:
        raise ValueError('make_dataset: elevation is for plain scenes, not for staged ones')
    if staged and not (use_photos and find_photos('train')):
        raise FileNotFoundError(f'staged scenes need the photographs of rooms: pip install '
                                f'{PHOTO_PACKAGE}')
    use_photos = use_photos and bool(find_photos('train'))
    settings = {'version': VERSION, 'size': list(size), 'seed': seed, 'dense': dense,
                'photos': PHOTO_PACKAGE if use_photos else None, 'body': _digest(OPEN_BODY),
                'environments': _digest(ENVIRONMENTS)}
    if staged:
        settings.update(version=f'staged {STAGED_VERSION}', motions=_digest(MOTIONS))
    if elevation is not None:
        elevation = float(elevation[0]), float(elevation[1])
        settings['elevation'] = list(elevation)
    _agree(out / 'settings.json', settings)
    jobs = [Job(out, split, index, tuple(size), seed, dense, use_photos, staged, elevation)
            for split in SPLITS for index in range(counts.get(split, 0))]
    for split in SPLITS:
        if counts.get(split, 0):
            (out / split).mkdir(parents=True, exist_ok=True)
            (out / 'records' / split).mkdir(parents=True, exist_ok=True)
    _run([job for job in jobs if not job.finished()], len(jobs), workers, progress)
    result = {}
    for split in SPLITS:
        own = [job for job in jobs if job.split == split]
        if own:
            # the maps lie beside the annotation, which is the same with and without them
            result[split] = _collect(own, {**settings, 'dense': False})
            _write_json(annotation_file(out, split), result[split])
    return result


def _check(counts: dict[str, int], size: tuple[int, int], workers: int,
           elevation: tuple[float, float] | None) -> None:
    unknown = set(counts) - set(SPLITS)
    if unknown:
        raise ValueError(f'make_dataset: counts has unknown splits {sorted(unknown)}')
    for split, count in counts.items():
        if not 0 <= count < 1_000_000:
            raise ValueError(f'make_dataset: counts[{split!r}] must be 0 to 999999, got {count}')
    if len(size) != 2 or min(size) < 64 or max(size) > 4096:
        raise ValueError(f'make_dataset: size must be two numbers from 64 to 4096, got {size}')
    if workers < 1:
        raise ValueError(f'make_dataset: workers must be at least 1, got {workers}')
    if elevation is not None and not (
            len(elevation) == 2 and 0 <= elevation[0] <= elevation[1] <= STEEPEST_ELEVATION):
        raise ValueError('make_dataset: elevation must be two angles from 0 to '
                         f'{STEEPEST_ELEVATION}, the lower one first, got {tuple(elevation)}')


def _digest(path: Path) -> str:
    """Return a fingerprint of the arrays of a file; those that draw nothing do not count."""
    digest = hashlib.sha256()
    with np.load(path, allow_pickle=False) as file:
        for name in sorted(set(file.files) - {'regions', 'region_names'}):
            array = np.ascontiguousarray(file[name])
            digest.update(f'{name} {array.dtype} {array.shape}'.encode() + array.tobytes())
    return digest.hexdigest()[:16]


def _agree(path: Path, settings: dict) -> None:
    """Write the settings of a new folder; compare with those of an old one.

    Maps may be added later, and be left out for pictures that come later.
    """
    if path.is_file():
        old = json.loads(path.read_text())
        others = sorted((set(old) | set(settings)) - {'dense', *_CHOSEN})
        for key in [*_CHOSEN, *others]:
            if old.get(key) != settings.get(key):
                raise ValueError(f'{path}: the folder was made with {_in_words(key, old)}, now '
                                 f'it is {_in_words(key, settings)}; choose another folder')
    else:
        _write_json(path, settings)


_CHOSEN = ('version', 'size', 'seed', 'elevation', 'photos')
"""Settings that a user chooses; where several differ, the first of these is named."""


def _in_words(key: str, settings: dict) -> str:
    value = settings.get(key)
    if key == 'version' and value is not None:
        kind, _, number = str(value).rpartition(' ')
        return f'{kind or "plain"} scenes, version {number}'
    return f'{key} = {value!r}'


def _run(jobs: list[Job], total: int, workers: int, progress: bool) -> None:
    with tqdm(total=total, initial=total - len(jobs), desc='pictures', unit='picture',
              disable=not progress) as bar:
        if workers == 1 or not jobs:
            for job in jobs:
                make_picture(job)
                bar.update()
            return
        # Forked where possible: a fresh process would spend its time on importing the package.
        method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else 'spawn'
        # One thread for OpenCV, set before the fork: a child cannot end those it did not start.
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        # Unlike multiprocessing's pool, this one says so when a process is killed.
        with ProcessPoolExecutor(min(workers, len(jobs)), multiprocessing.get_context(method),
                                 _begin_worker, (method,)) as pool:
            tasks = [pool.submit(make_picture, job) for job in jobs]
            try:
                for task in as_completed(tasks):
                    task.result()
                    bar.update()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            finally:
                cv2.setNumThreads(threads)


def _begin_worker(method: str) -> None:
    """Prepare a process of the pool, started by a method of multiprocessing."""
    if method == 'spawn':
        cv2.setNumThreads(1)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends it silently: its parent tells


@functools.lru_cache(maxsize=2)
def _tailor(body: Body) -> Tailor:
    return Tailor(body)


@functools.lru_cache(maxsize=1)
def _contact() -> Contact:
    return Contact(clothed_body())


def make_picture(job: Job) -> None:
    """Draw one picture and write its files, the record last; what is there already is kept.

    Raises:
        ValueError: if its record is there, and is another one than is made now.
    """
    stream = np.random.SeedSequence(job.seed, spawn_key=(SPLITS.index(job.split), job.index))
    rng = np.random.default_rng(stream)
    body = clothed_body() if job.staged else open_body()
    tailor = _tailor(body)
    if job.staged:
        scene = stage_scene(rng, job.split, job.size, body, tailor, _contact())
    else:
        scene = draw_scene(rng, job.split, job.size, body, tailor, use_photos=job.use_photos,
                           elevation=job.elevation)
    picture, labels = draw_picture(scene, body, tailor, rng)
    annotations = [annotate(person, number, scene.camera, labels, rng)
                   for number, person in enumerate(scene.people, 1)]
    if job.staged:
        for person, one in zip(scene.people, annotations, strict=True):
            if one is not None:
                one['synth'].update(measure_visibility(person, scene.camera, body, one['area']))
    annotations = [one for one in annotations if one is not None]
    files = job.files()
    place = scene.photo.stem if scene.photo is not None else scene.environment.name
    record = {
        'image': {'id': FIRST_ID[job.split] + job.index, 'file_name': files[0].name,
                  'width': job.size[0], 'height': job.size[1],
                  'synth': {'backdrop': place, 'light': scene.environment.name}},
        'annotations': annotations}
    # pixels may be rounded otherwise here: maps that come later leave the picture alone
    kept = job.record.is_file() and files[0].is_file()
    if kept and json.loads(job.record.read_text()) != json.loads(json.dumps(record)):
        raise ValueError(f'{job.record}: made with other versions of packages; the maps of now '
                         'are not of that picture')
    if not kept:
        _write_image(files[0], picture, quality=JPEG_QUALITY, subsampling=2)
    if job.dense:
        iuv, ids = dense_maps(labels, annotations)
        _write_image(files[1], iuv)
        _write_image(files[2], ids)
    if not kept:
        _write_json(job.record, record)


def dense_maps(labels: Labels, annotations: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps of the annotated people.

    Returns:
        (h, w, 3) uint8 with I, 255 U and 255 V; (h, w) uint8 with the number of the annotation
        in its picture, from 1.
    """
    ids = np.zeros(labels.person.shape, np.uint8)
    for position, annotation in enumerate(annotations, 1):
        ids[labels.person == annotation['synth']['number']] = position
    iuv = np.concatenate([labels.surface[..., None],
                          np.rint(labels.uv * 255).astype(np.uint8)], -1)
    return np.where(ids[..., None] > 0, iuv, np.uint8(0)), ids


def _write_image(path: Path, image: np.ndarray, **options) -> None:
    partial = path.with_name(f'{path.stem}.part{path.suffix}')
    Image.fromarray(image).save(partial, **options)
    os.replace(partial, path)


def _write_json(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix('.part')
    partial.write_text(json.dumps(value))
    os.replace(partial, path)


def _collect(jobs: list[Job], settings: dict) -> dict:
    """Join the records of a split."""
    images, annotations = [], []
    first = FIRST_ID[jobs[0].split]
    for job in jobs:
        record = json.loads(job.record.read_text())
        images.append(record['image'])
        for annotation in record['annotations']:
            annotations.append({'id': first + len(annotations),
                                'image_id': record['image']['id'], **annotation})
    panoramas = sorted({image['synth']['light'] for image in images})
    wrong = [name for name in panoramas if split_of_panorama(name) != jobs[0].split]
    if wrong:
        raise ValueError(f'{jobs[0].out}: {jobs[0].split} shows panoramas of others: {wrong}')
    return {
        'info': {'description': 'synthetic people with exact DensePose annotation, '
                                f'split {jobs[0].split}', 'settings': settings,
                 'backdrops': sorted({image['synth']['backdrop'] for image in images}),
                 'sources': ['people: open body of this project, from MakeHuman data (CC0)',
                             'panoramas: @pmndrs/assets 1.7.0 (CC0)',
                             *(['motions: clips of pybullet 3.2.7 (zlib)']
                               if 'motions' in settings else []),
                             *([f'photographs: {PHOTO_PACKAGE} (Pexels licence)']
                               if settings['photos'] else [])]},
        'licenses': [],
        'images': images, 'annotations': annotations,
        'categories': [{'id': 1, 'name': 'person', 'supercategory': 'person',
                        'keypoints': list(KEYPOINTS), 'skeleton': [list(b) for b in SKELETON]}]}


def annotation_file(out: str | Path, split: str) -> Path:
    """Return the path of a split's COCO file."""
    return Path(out) / 'annotations' / f'densepose_open_{split}.json'


def statistics(coco: dict) -> dict[str, float]:
    """Summarise a split: how many, how tall, seen from where, with how many points."""
    people = coco['annotations']
    views = np.abs([one['synth']['view'] for one in people])
    heights = np.array([one['bbox'][3] for one in people])
    points = np.array([len(one['dp_I']) for one in people if 'dp_I' in one])
    if not len(people):
        return {'pictures': len(coco['images']), 'people': 0}
    return {'pictures': len(coco['images']), 'people': len(people), 'with dp_*': len(points),
            'front': float((views <= 60).mean()),
            'side': float(((views > 60) & (views <= 120)).mean()),
            'behind': float((views > 120).mean()), 'median height': float(np.median(heights)),
            '150 px and taller': float((heights >= 150).mean()),
            'points per person': float(points.mean()) if len(points) else 0.}
