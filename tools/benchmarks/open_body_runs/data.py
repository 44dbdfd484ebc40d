"""The pictures and points that the runs share."""
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

SPLITS = ('train', 'val', 'test')
NUM_SURFACES = 24
MAKE = 'python tools/make_synth_dataset.py {folder} --preset open-body-v1'

MADE_FIRST = '5f1f0e8b54502176c949433f0abc5d071a6032babd18acd49e26d06166125dee'
WITHOUT_AVX512 = 'b84c05497cdd509cf38e46c9e5c678d81b6192f979d8e2ae541ae4a103ea0b39'
"""open-body-v1 as it was made first and a processor with AVX-512 makes it, and as one without
did. The annotation is the same to the byte; docs/open-body-v1.md tells what is known of why the
pictures are not."""


AUGMENTATION = 2
"""Number of the way from these pictures to crops and labels, to be raised when the same config
comes to make others of them. 1, where a result names none: RandomOcclusion hid up to half a pixel
more of parts and body mask than of picture and points."""


def augmentation_of(known: dict) -> int:
    """Return the :data:`AUGMENTATION` of a result or of what a run was begun with."""
    return known.get('augmentation', 1)


def same_but_for_rounding(sha256: str) -> str:
    """Return what stands for a data set and for those that differ from it in rounding only."""
    return MADE_FIRST if sha256 == WITHOUT_AVX512 else sha256


@dataclass(frozen=True)
class DataSummary:
    """What a result says about its data.

    Attributes:
        folder: name of the folder, without its place.
        sha256: of all annotation files and pictures, in order, each after its name.
        pictures: split -> how many.
        people: split -> how many are annotated; all are tested.
        persons: split -> how many of them have points; these are trained on.
        points_per_surface: of the training set, surfaces 1 to 24.
    """

    folder: str
    sha256: str
    pictures: dict[str, int]
    people: dict[str, int]
    persons: dict[str, int]
    points_per_surface: list[int]

    def to_dict(self) -> dict:
        """Return everything for JSON."""
        return asdict(self)


def annotation_file(folder: Path, split: str) -> Path:
    """Return the path of a split's annotation."""
    return folder / 'annotations' / f'densepose_open_{split}.json'


def summarise(folder: Path) -> DataSummary:
    """Read all annotations and hash all they name.

    Raises:
        FileNotFoundError: if a file is missing; says how to make the data set.
    """
    digest = hashlib.sha256()
    pictures, people, persons, points = {}, {}, {}, [0] * NUM_SURFACES
    for split in SPLITS:
        path = annotation_file(folder, split)
        if not path.is_file():
            raise FileNotFoundError(f'{path} does not exist; make the data set: '
                                    + MAKE.format(folder=folder))
        text = path.read_bytes()
        content = json.loads(text)
        _add(digest, path.name, text)
        for name in sorted(image['file_name'] for image in content['images']):
            picture = folder / split / name
            if not picture.is_file():
                raise FileNotFoundError(f'{picture} does not exist, but {path} lists it; make '
                                        f'the data set again: {MAKE.format(folder=folder)}')
            _add(digest, f'{split}/{name}', picture.read_bytes())
        dense = [ann['dp_I'] for ann in content['annotations'] if ann.get('dp_I')]
        pictures[split], persons[split] = len(content['images']), len(dense)
        people[split] = len(content['annotations'])
        if split == 'train':
            for surfaces in dense:
                for surface in surfaces:
                    points[int(surface) - 1] += 1
    return DataSummary(folder.name, digest.hexdigest(), pictures, people, persons, points)


def data_options(folder: Path) -> list[str]:
    """Return the config options that make a run read this folder."""
    options = []
    for split in SPLITS:
        options += [f'{split}_dataloader.dataset.data_root={folder}/']
        if split != 'train':
            options += [f'{split}_evaluator.{n}.ann_file={annotation_file(folder, split)}'
                        for n in range(2)]  # dense poses, keypoints
    return options


def _add(digest, name: str, content: bytes) -> None:
    digest.update(f'{name}\0{len(content)}\0'.encode())
    digest.update(content)
