"""A tiny data set of every split, made once."""
import json

import pytest

from ktn_mm.synth.body import open_body
from ktn_mm.synth.dataset import make_dataset
from ktn_mm.synth.garments import Tailor

COUNTS = {'train': 4, 'val': 3, 'test': 3}
SIZE = (160, 192)


@pytest.fixture(scope='session')
def body():
    return open_body()


@pytest.fixture(scope='session')
def tailor(body):
    return Tailor(body)


@pytest.fixture(scope='session')
def tiny(tmp_path_factory):
    """Folder and COCO dictionaries of ten pictures with full maps."""
    out = tmp_path_factory.mktemp('tiny')
    coco = make_dataset(out, COUNTS, SIZE, seed=3, workers=2, dense=True, progress=False)
    assert coco == {split: json.loads((out / f'annotations/densepose_open_{split}.json')
                                      .read_text()) for split in COUNTS}
    return out, coco
