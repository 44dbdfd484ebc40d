import json

import numpy as np
import pytest

from ktn_mm.deployment import InferenceRecipe


@pytest.fixture
def recipe():
    return InferenceRecipe(
        name='small', input_size=(48, 64), grid_size=(24, 32), padding=1.25,
        mean=(1., 2., 3.), std=(4., 5., 6.), channel_order='rgb', foreground_threshold=.3,
        score='box*dense', blur_kernel_size=11, dataset_meta=dict(keypoints=['nose']))


def test_metadata_are_strings_and_come_back(recipe):
    recipe.flip_test = True
    recipe.mirror_table = np.random.default_rng(0).random((2, 25, 256, 256), np.float32)
    metadata = recipe.to_metadata()
    assert all(isinstance(v, str) for v in metadata.values())
    back = InferenceRecipe.from_metadata(metadata)
    np.testing.assert_array_equal(back.mirror_table, recipe.mirror_table)
    back.mirror_table = recipe.mirror_table = None
    assert back == recipe


@pytest.mark.parametrize('name, text, reason', [
    ('format', 'something else', 'no format'),
    ('padding', None, "lack 'padding'"),
    ('padding', '[1', "broken 'padding'"),
    ('padding', '0', 'padding cannot be 0'),
    ('padding', '"wide"', 'padding must be 1 finite'),
    ('mean', '[1, 2]', 'mean must be 3 finite'),
    ('std', '[1, 0, 1]', 'std must be positive'),
    ('input_size', '[48, "x"]', 'input_size must be 2 finite'),
    ('channel_order', '"rbg"', 'channel_order cannot be'),
    ('blur_kernel_size', '4', 'blur_kernel_size cannot be 4'),
    ('flip_test', 'true', 'needs a mirror_table'),
    ('mirror_table', 'bm90IGEgemlw', "broken 'mirror_table'"),
])
def test_a_broken_field_is_named(recipe, name, text, reason):
    metadata = recipe.to_metadata()
    metadata.pop(name, None)
    if text is not None:
        metadata[name] = text
    with pytest.raises(ValueError, match=reason):
        InferenceRecipe.from_metadata(metadata)


def test_a_pickle_in_the_table_is_not_run(recipe, tmp_path):
    import base64
    import io
    file = io.BytesIO()
    np.savez_compressed(file, table=np.array([tmp_path], object))
    metadata = recipe.to_metadata() | dict(
        flip_test=json.dumps(True), mirror_table=base64.b64encode(file.getvalue()).decode())
    with pytest.raises(ValueError, match="broken 'mirror_table'.*pickle"):
        InferenceRecipe.from_metadata(metadata)
