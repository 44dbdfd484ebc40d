"""Pictures and masks: what is decoded, and what is said when that fails."""
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image
from pycocotools import mask as rle_tools

from ktn_mm.datasets import LoadDenseMasks, LoadPersonImage
from ktn_mm.datasets.transforms.loading import decode_part_masks, decode_segmentation


def rle(mask):
    encoded = rle_tools.encode(np.asfortranarray(mask, np.uint8))
    return dict(size=[int(v) for v in encoded['size']], counts=encoded['counts'].decode())


def test_later_parts_cover_earlier_ones():
    rng = np.random.default_rng(0)
    masks = rng.random((14, 256, 256)) < .2
    masks[4] = False
    expected = np.zeros((256, 256))
    for index, mask in enumerate(masks):
        expected[mask] = index + 1
    entries = [[] if index == 4 else rle(mask) for index, mask in enumerate(masks)]
    labels = decode_part_masks(entries)
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == np.uint8 and 5 not in labels


def test_a_single_mask_is_body_of_unknown_part():
    mask = np.random.default_rng(1).random((256, 256)) < .5
    np.testing.assert_array_equal(decode_part_masks(rle(mask)), mask * 255)


def test_segmentations_of_all_three_kinds():
    square = [[2., 3., 12., 3., 12., 9., 2., 9.]]
    expected = np.zeros((20, 30))
    expected[3:9, 2:12] = 1
    np.testing.assert_array_equal(decode_segmentation(square, 20, 30), expected)
    np.testing.assert_array_equal(decode_segmentation(rle(expected), 20, 30), expected)
    flat = expected.T.ravel()
    runs, value = [0], 0
    for pixel in flat:
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    np.testing.assert_array_equal(
        decode_segmentation(dict(size=[20, 30], counts=runs), 20, 30), expected)


@pytest.mark.parametrize('counts', ['abc', 'ZP5X1h6000', '', [1, 2, 3]])
def test_masks_that_cannot_be_decoded(counts):
    good = rle(np.eye(256))
    masks = [good, [], dict(size=[256, 256], counts=counts)] + [[]] * 11
    sample = dict(id=42, dp_masks=masks, segmentation=None, img_shape=(20, 30))
    with pytest.raises(ValueError, match=r'annotation 42: dp_masks\[2\]'):
        LoadDenseMasks(on_bad='error')(dict(sample))
    skip = LoadDenseMasks()
    loaded = skip(dict(sample))
    assert loaded['dp_parts'] is None and loaded['person_mask'] is None
    assert 'dp_masks' not in loaded and skip.complaints.count == 1


@pytest.mark.parametrize('segmentation, said', [
    ([[1, 2, 3, 4]], r'segmentation\[0\]'), ([[1, 2, 3, 4, 5, float('nan')]], 'polygon'),
    (dict(size=[9, 9], counts='abc'), 'size'), ([7], 'polygon')])
def test_bad_segmentations(segmentation, said):
    sample = dict(id=3, dp_masks=None, segmentation=segmentation, img_shape=(20, 30))
    with pytest.raises(ValueError, match=said):
        LoadDenseMasks(on_bad='error')(dict(sample))
    assert LoadDenseMasks()(dict(sample))['person_mask'] is None


def test_the_outline_is_drawn_only_where_there_are_no_parts(tiny, build, run):
    steps = [dict(type='LoadPersonImage'), dict(type='LoadDenseMasks')]
    dense, plain = (run(build(tiny), index, steps) for index in (0, 1))
    assert dense['dp_parts'].shape == (256, 256) and dense['person_mask'] is None
    assert plain['dp_parts'] is None and plain['person_mask'].shape == plain['img'].shape[:2]
    # The background is grey noise; the doll is not.
    body = (plain['img'].max(-1).astype(int) - plain['img'].min(-1)) > 45
    assert (plain['person_mask'][body] == 1).sum() > 1000


def test_missing_and_broken_pictures_name_file_and_annotation(tiny, build, run):
    dataset = build(tiny)
    path = Path(tiny.img_dir) / 'tiny_000001.png'
    content = path.read_bytes()

    path.write_bytes(content[:50])
    with pytest.raises(ValueError, match='annotation 1 cannot be read') as caught:
        run(dataset, 0, [dict(type='LoadPersonImage')])
    assert str(path) in str(caught.value) and tiny.ann_file in str(caught.value)

    path.write_bytes(b'')
    with pytest.raises(ValueError, match='annotation 1 cannot be read'):
        run(dataset, 0, [dict(type='LoadPersonImage')])

    path.unlink()
    with pytest.raises(FileNotFoundError, match='annotation 1 does not exist') as caught:
        run(dataset, 0, [dict(type='LoadPersonImage')])
    assert str(path) in str(caught.value)

    cv2.imwrite(str(path), np.zeros((240, 200, 3), np.uint8))
    with pytest.raises(ValueError, match=r'\(240, 200\), annotated are \(200, 240\); an EXIF'):
        run(dataset, 0, [dict(type='LoadPersonImage')])

    cv2.imwrite(str(path), np.zeros((100, 120, 3), np.uint8))
    with pytest.raises(ValueError, match=r'\(100, 120\), annotated are \(200, 240\)$'):
        run(dataset, 0, [dict(type='LoadPersonImage')])


def test_exif_flags_are_ignored(tmp_path):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16, 0] = pixels[:, 16:, 1] = 255
    exif, path = Image.Exif(), str(tmp_path / 'turned.jpg')
    exif[ExifTags.Base.Orientation] = 3
    Image.fromarray(pixels).save(path, exif=exif)
    red, green = (0, 0, 1), (0, 1, 0)
    for image, expected in ((LoadPersonImage()(dict(img_path=path))['img'], (red, green)),
                            (cv2.imread(path), (green, red))):
        np.testing.assert_array_equal(image[8, [8, 24]] > 128, expected)


def test_broken_pictures_can_be_skipped_in_training(tiny, build):
    dataset = build(tiny, pipeline=[dict(type='LoadPersonImage', on_bad='skip')])
    (Path(tiny.img_dir) / 'tiny_000001.png').unlink()
    np.random.seed(0)
    assert {dataset[index]['img_id'] for index in range(len(dataset))} == {2}
    assert dataset.pipeline.transforms[0].complaints.count >= 2


def test_a_picture_that_is_already_there_is_taken(tiny):
    image = np.zeros((10, 12, 3), np.uint8)
    loaded = LoadPersonImage()(dict(img=image))
    assert loaded['img'] is image and loaded['img_shape'] == (10, 12)
