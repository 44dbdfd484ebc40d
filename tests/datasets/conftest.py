"""A tiny dataset, ways to spoil it, and a stand-in for the template."""
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

import ktn_mm.codecs  # noqa: F401
import ktn_mm.datasets  # noqa: F401
from ktn_mm.surface.charts import SURFACE_TWIN
from ktn_mm.testing import make_tiny_dataset


class MirrorOnly:
    """What a flip needs of a template: twins share their UV, the torso's U runs backwards."""

    def mirror(self, surface, uv):
        uv = np.array(uv)
        torso = np.asarray(surface) <= 2
        uv[torso, 0] = 1 - uv[torso, 0]
        return SURFACE_TWIN[surface], uv


@pytest.fixture(autouse=True)
def mmpose_scope():
    init_default_scope('mmpose')


@pytest.fixture
def template():
    return MirrorOnly()


@pytest.fixture
def tiny(tmp_path):
    return make_tiny_dataset(tmp_path, kinds=('dense', 'plain'))


@pytest.fixture
def spoil():
    """Return a function that changes an annotation file in place."""
    def change(ann_file, edit):
        content = json.loads(Path(ann_file).read_text())
        content = edit(content) or content
        Path(ann_file).write_text(json.dumps(content))
    return change


@pytest.fixture
def build():
    """Return a function that builds the dataset of a TinyDataset."""
    def make(tiny, **kwargs):
        return DATASETS.build(dict(
            type='DensePoseCocoDataset', ann_file=tiny.ann_file,
            data_prefix=dict(img=tiny.img_dir), **kwargs))
    return make


@pytest.fixture
def run():
    """Return a function that sends one sample through steps of a pipeline."""
    from mmengine.dataset import Compose

    def through(dataset, index, steps):
        return Compose(steps)(dict(dataset.get_data_info(index), dataset=dataset))
    return through
