import weakref
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmpose.apis import inference_topdown, init_model

from ktn_mm.apis import DensePoseInferencer
from ktn_mm.apis.video import VideoWriter

BOXES = [[10, 5, 40, 85], [70, 10, 100, 80, .5]]


@pytest.fixture
def inferencer(painted, config, checkpoint):
    return DensePoseInferencer(config, checkpoint, batch_size=3)


def plain(value, size=(120, 90)):
    return np.full((size[1], size[0], 3), value, np.uint8)


def shades(count):
    return [plain(10 * i) for i in range(count)]


def test_an_array_gives_one_result_with_its_picture(inferencer):
    image = plain((3, 102, 7))
    result, = inferencer(image, bboxes=BOXES)
    assert len(result) == 2 and result.image is image
    assert (result.source, result.frame, result.image_size) == ('array 0', None, (120, 90))
    np.testing.assert_allclose(result.boxes, [box[:4] for box in BOXES])
    np.testing.assert_allclose(result.scores, [1, .5])
    assert result.to_image()[45, 25].tolist()[:2] == [4, 102]
    assert not result.to_image()[45, 60].any()


def test_batches_are_bounded_and_come_from_several_pictures(inferencer, painted):
    results = list(inferencer(shades(4), bboxes=BOXES))
    assert max(painted.batches) == 3 and sum(painted.batches) == 8
    assert [r.to_image()[45, 25, 0] for r in results] == [1, 11, 21, 7]
    painted.batches.clear()
    crowd = [[i, i, i + 20, i + 30] for i in range(11)]
    result, = inferencer(plain(0), bboxes=crowd)
    assert painted.batches == [3, 3, 3, 2]
    np.testing.assert_allclose(result.boxes, crowd)


def test_large_pictures_do_not_wait_for_each_other(inferencer, painted, monkeypatch):
    monkeypatch.setattr('ktn_mm.apis.inferencer.WAITING_PIXELS', plain(0)[..., 0].size)
    assert len(list(inferencer(shades(3), bboxes=BOXES[:1]))) == 3
    assert painted.batches == [1, 1, 1]


def test_entries_left_over_are_told_unless_a_picture_is_broken(inferencer, tmp_path):
    results = inferencer(shades(2), bboxes=[BOXES] * 3)
    assert [len(next(results)) for _ in range(2)] == [2, 2]
    with pytest.raises(ValueError, match='3 entries, but 2 pictures'):
        next(results)
    inputs, said = [*shades(1), str(tmp_path / 'gone.png')], []
    list(inferencer(inputs, bboxes=[BOXES] * 2, on_error=lambda *error: said.append(error)))
    assert len(said) == 1


def test_reading_waits_until_a_result_is_asked_for(inferencer):
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield plain(0)
    results = inferencer(endless(), bboxes=BOXES)
    assert not asked
    for _ in range(10):
        next(results)
        assert len(asked) <= 3 + 10


def test_nobody_there_is_an_empty_result(inferencer, painted):
    for result in inferencer(shades(2), bboxes=[]):
        assert len(result) == 0 and not result.to_image().any()
        assert result.to_image().shape == (90, 120, 3)
    assert painted.batches == []


def test_a_detector_is_asked_for_every_picture(painted, config, checkpoint):
    def brightest(image):
        found = image[0, 0, 0] > 5
        return np.float32([[1, 2, 60, 70]])[:found], np.float32([.75])[:found]
    inferencer = DensePoseInferencer(config, checkpoint, det=brightest)
    dark, bright = inferencer(shades(2))
    assert len(dark) == 0
    np.testing.assert_allclose(bright.boxes, [[1, 2, 60, 70]])
    np.testing.assert_allclose(bright.scores, [.75])
    strict = DensePoseInferencer(config, checkpoint, det=brightest, det_thr=.8)
    assert [len(found) for found in strict(shades(2))] == [0, 0]
    lost = DensePoseInferencer(config, checkpoint, det=lambda image: (
        np.float32([[1, 2, 60, 70]]), np.float32([[np.nan]])))
    with pytest.raises(ValueError, match='not finite'):
        list(lost(plain(9)))
    whole, = inferencer(plain(9), whole_image=True)
    np.testing.assert_allclose(whole.boxes, [[0, 0, 120, 90]])


def test_too_many_people_for_the_device_are_named(config, checkpoint, monkeypatch):
    inferencer = DensePoseInferencer(config, checkpoint, device='cpu')

    def full(batch):
        raise torch.OutOfMemoryError('CUDA out of memory')
    monkeypatch.setattr(inferencer.backend.model, 'test_step', full)
    with pytest.raises(MemoryError, match='2 people at a time .*smaller batch size'):
        next(inferencer(shades(2), whole_image=True))
    with pytest.raises(MemoryError, match='--device cpu'):
        next(inferencer(plain(0), whole_image=True))


def test_who_is_meant_must_be_said_once(inferencer):
    with pytest.raises(ValueError, match='say where the people are'):
        inferencer(plain(0))
    with pytest.raises(ValueError, match='not both'):
        inferencer(plain(0), bboxes=[], whole_image=True)


def test_files_folders_and_videos_in_one_list(inferencer, tmp_path):
    folder = tmp_path / 'folder'
    folder.mkdir()
    cv2.imwrite(str(folder / 'b.png'), plain(20))
    cv2.imwrite(str(folder / 'a.png'), plain(10))
    (folder / 'notes.txt').write_text('not read')
    with VideoWriter(tmp_path / 'v.mkv', Fraction(30)) as video:
        for value in (30, 40, 50):
            video.write(plain(value))
    results = list(inferencer([folder, str(tmp_path / 'v.mkv'), plain(60)], bboxes=BOXES))
    assert [r.image[0, 0, 0] for r in results] == [10, 20, 30, 40, 50, 60]
    assert [r.source for r in results] == [
        str(folder / 'a.png'), str(folder / 'b.png'), *[str(tmp_path / 'v.mkv')] * 3, 'array 3']
    assert [r.frame for r in results] == [None, None, 0, 1, 2, None]


def test_a_bad_one_is_named_and_the_rest_is_done(inferencer, tmp_path):
    (tmp_path / 'bad.jpg').write_text('no picture')
    # one entry for each input, also for those that cannot be read
    boxes = [BOXES, [[500, 0, 510, 9], BOXES[1]], BOXES, BOXES, BOXES[:1]]
    inputs = [plain(10), plain(20), tmp_path / 'bad.jpg', tmp_path / 'none.jpg', plain(30)]
    said = []
    results = list(inferencer(inputs, bboxes=boxes, on_error=lambda *what: said.append(what)))
    assert [r.source for r in results] == ['array 0', 'array 1', 'array 4']
    assert [len(r) for r in results] == [len(BOXES), 1, 1]
    np.testing.assert_allclose(results[1].boxes, [BOXES[1][:4]])
    np.testing.assert_allclose(results[2].boxes, [BOXES[0]])
    reasons = dict((source.split('/')[-1], str(error)) for source, error in said)
    assert list(reasons) == ['array 1', 'bad.jpg', 'none.jpg']
    assert 'array 1: box 0' in reasons['array 1'] and 'outside' in reasons['array 1']
    with pytest.raises(ValueError, match='array 1: box 0 .*outside'):
        list(inferencer(inputs, bboxes=boxes))


def test_a_webcam_is_not_kept_waiting(inferencer, painted, monkeypatch):
    class Camera:
        def __init__(self, index):
            self.left = 2 if index == 1 else 0

        def isOpened(self):
            return self.left > 0

        def read(self):
            self.left -= 1
            return self.left >= 0, plain(self.left)

        def release(self):
            pass
    monkeypatch.setattr('cv2.VideoCapture', Camera)
    results = inferencer(1, bboxes=BOXES[:1])
    assert next(results).source == 'webcam 1' and painted.batches == [1]
    assert next(results).frame == 1
    assert list(results) == []
    with pytest.raises(ValueError, match='webcam 0: cannot be opened'):
        next(inferencer(0, bboxes=[]))


@pytest.mark.parametrize('changes, error, reason', [
    (dict(batch_size=0), ValueError, 'batch_size'),
    (dict(backend='abacus'), ValueError, "one of pytorch, onnxruntime, got 'abacus'"),
    (dict(checkpoint='nowhere.pth'), FileNotFoundError, 'nowhere.pth'),
    (dict(model='ktn_nothing'), FileNotFoundError, 'is not a config'),
    (dict(det='detector.py'), ValueError, 'needs a checkpoint'),
])
def test_what_it_is_made_of_is_checked(config, checkpoint, changes, error, reason):
    arguments = dict(model=config, checkpoint=checkpoint, **{}) | changes
    with pytest.raises(error, match=reason):
        DensePoseInferencer(**arguments)


@pytest.mark.parametrize('content', [b'no weights', b'root:x:0:0:root\nbin:x:1\n', b'', b'PK12'])
def test_a_file_that_is_no_checkpoint_is_named(config, tmp_path, content):
    (tmp_path / 'text.pth').write_bytes(content)
    with pytest.raises(ValueError, match='text.pth: cannot be loaded'):
        DensePoseInferencer(config, str(tmp_path / 'text.pth'), device='cpu')


def test_the_network_gives_what_mmpose_gives(config, checkpoint):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (90, 120, 3), np.uint8) for _ in range(2)]
    model = init_model(config, checkpoint, device='cpu')
    results = DensePoseInferencer(config, checkpoint, device='cpu', batch_size=2)(
        images, bboxes=BOXES)
    shown = 0
    for image, result in zip(images, results):
        theirs = inference_topdown(model, image.copy(), np.float32([b[:4] for b in BOXES]))
        for i, sample in enumerate(theirs):
            pred = sample.pred_instances
            assert pred.keypoints.shape == (1, 17, 2)
            np.testing.assert_allclose(result.keypoints[i], pred.keypoints[0], atol=1e-3)
            np.testing.assert_allclose(result.keypoint_scores[i], pred.keypoint_scores[0],
                                       atol=1e-5)
            np.testing.assert_array_equal(result.people[i].labels, pred.dense_labels[0])
            np.testing.assert_array_equal(result.people[i].uv, pred.dense_uv[0])
            shown += (pred.dense_labels[0] > 0).sum()
    assert shown > 10_000


def test_pictures_are_forgotten_when_their_results_are(inferencer):
    """A video of any length takes as much memory as a batch."""
    alive = []

    def frames():
        for value in range(40):
            image = plain(value)
            alive.append(weakref.ref(image))
            yield image
    for _ in inferencer(frames(), bboxes=BOXES[:1]):
        assert sum(ref() is not None for ref in alive) <= 2 * 3 + 1
    assert len(alive) == 40


def test_a_detector_that_goes_astray_is_named(painted, config, checkpoint):
    inferencer = DensePoseInferencer(
        config, checkpoint, det=lambda image: (np.float32([[np.nan, 0, 9, 9]]), np.float32([1])))
    with pytest.raises(ValueError, match='array 0: box 0 .*not finite'):
        list(inferencer(plain(0)))


def test_a_very_long_picture(config, checkpoint):
    """30,000 pixels on one side, with the real network."""
    image = np.zeros((40, 30_000, 3), np.uint8)
    result, = DensePoseInferencer(config, checkpoint, device='cpu')(
        image, bboxes=[[29_000, 0, 29_030, 40]])
    iuv = result.to_image()
    assert iuv.shape == image.shape and iuv[20, 29_015, 0] > 0 and not iuv[:, :28_000].any()


def test_a_device_that_is_not_there_is_named():
    from ktn_mm.apis.backends import checked_device
    assert checked_device('cpu') == 'cpu'
    for device in ('nowhere', 'cuda:99'):
        with pytest.raises(ValueError, match=f"device '{device}' cannot be used: "):
            checked_device(device)


def test_a_detector_is_no_pose_network():
    with pytest.raises(ValueError, match=r'its model is RTMDet.*goes into det \(--det\)'):
        DensePoseInferencer('rtmdet-tiny-open-body', device='cpu')


def test_a_fragment_of_a_config_is_refused(config, checkpoint):
    fragment = Path(config).parents[1] / '_base_/models/ktn_mobilenetv2.py'
    with pytest.raises(ValueError, match='ktn_mobilenetv2.py: has no test_dataloader'):
        DensePoseInferencer(str(fragment), checkpoint, device='cpu')


def test_a_flip_test_without_a_template_is_refused_before_any_picture(
        config, checkpoint, tmp_path):
    lacking = tmp_path / 'lacking.py'
    lacking.write_text(f"_base_ = [{config!r}]\nmodel = dict(head=dict(template='none.npz'))\n")
    with pytest.raises(FileNotFoundError, match='none.npz'):
        DensePoseInferencer(str(lacking), checkpoint, device='cpu', flip_test=True)
    DensePoseInferencer(str(lacking), checkpoint, device='cpu', flip_test=False)
