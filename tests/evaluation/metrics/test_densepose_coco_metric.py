import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_cases import FlatBody, block_data, block_picture, swap_sides
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from mmpose.registry import METRICS
from mmpose.structures import PoseDataSample
from torch.utils.data import DataLoader

from ktn_mm.evaluation import GroundTruth, evaluate, read_results
from ktn_mm.evaluation.metrics import DensePoseCocoMetric, densepose_coco_metric
from ktn_mm.structures.crop_frame import CropFrame, image_to_box

ROOT = Path(__file__).resolve().parents[3]
CROP = 192, 256
KEYS = [f'{kind}/{name}' for kind in ('GPS', 'GPSm', 'segm')
        for name in ('AP', 'AP50', 'AP75', 'APM', 'APL', 'AR', 'AR50', 'AR75', 'ARM', 'ARL')]
KEYS += ['mean_GPS', 'foreground_recall', 'surface_accuracy', 'part_type_accuracy',
         'left_right_accuracy', 'front_back_accuracy']


def predict(annotation, change=lambda picture: picture):
    """Return the sample of a network that knows the truth: maps of a crop around the box."""
    box = np.array(annotation['bbox'])
    w = max(box[2], box[3] * .75) * 1.25
    frame = CropFrame(box[:2] + (box[2:] - 1) / 2, (w, w / .75), CROP)
    cells = image_to_box(frame.to_image(frame.grid_points(CROP)), box, 1.)
    inside = ((cells >= 0) & (cells < 1)).all(-1)
    fine = change(block_picture((1024, 1024)))
    x, y = np.clip((cells * 1024).astype(int), 0, 1023).transpose(2, 0, 1)
    picture = np.where(inside, fine[:, y, x], 0)
    x1, y1, w, h = np.float32(annotation['bbox'])
    instances = InstanceData(
        keypoints=np.zeros((1, 17, 2), np.float32),
        dense_labels=torch.from_numpy(picture[:1].astype(np.uint8)),
        dense_uv=torch.from_numpy(picture[None, 1:] / 255.).half(),
        input_center=np.array([frame.center]), input_scale=np.array([frame.scale]),
        bboxes=np.array([[x1, y1, x1 + w, y1 + h]], np.float32),
        bbox_scores=np.ones(1, np.float32))
    return PoseDataSample(pred_instances=instances, metainfo=dict(
        img_id=annotation['image_id'], id=annotation['id']))


def processed(metric, samples, batch=3):
    """Feed samples as mmengine's Evaluator does."""
    for start in range(0, len(samples), batch):
        metric.process({}, [s.to_dict() for s in samples[start:start + batch]])
    return metric


@pytest.fixture(scope='module')
def data():
    return block_data(count=8)


@pytest.fixture(scope='module')
def ann_file(data, tmp_path_factory):
    path = tmp_path_factory.mktemp('people') / 'people.json'
    path.write_text(json.dumps(data))
    return str(path)


@pytest.fixture(scope='module')
def samples(data):
    return [predict(a) for a in data['annotations']]


def test_ground_truth_as_prediction(ann_file, samples):
    metric = METRICS.build(dict(type='DensePoseCocoMetric', ann_file=ann_file,
                                template=FlatBody()))
    figures = processed(metric, samples).evaluate(len(samples))
    assert list(figures) == [f'densepose/{key}' for key in KEYS]
    assert all(isinstance(v, float) for v in figures.values())
    for kind in ('GPS', 'GPSm', 'segm'):
        assert figures[f'densepose/{kind}/AP50'] == pytest.approx(1)
        assert figures[f'densepose/{kind}/AP75'] == pytest.approx(1)
    assert figures['densepose/mean_GPS'] > .95
    assert figures['densepose/foreground_recall'] > .98


def test_swapped_sides_score_nothing(ann_file, data):
    samples = [predict(a, swap_sides) for a in data['annotations']]
    metric = DensePoseCocoMetric(ann_file, FlatBody(), kinds=('GPS', 'segm'))
    figures = processed(metric, samples).evaluate(len(samples))
    assert figures['densepose/GPS/AP'] == 0 and figures['densepose/segm/AP50'] > .99
    assert figures['densepose/left_right_accuracy'] < .05
    assert figures['densepose/part_type_accuracy'] > .9
    assert not any('GPSm' in name for name in figures)


def test_only_numbers_are_kept(ann_file, samples):
    metric = processed(DensePoseCocoMetric(ann_file, FlatBody()), samples)
    assert len(metric.results) == len(samples), 'one result a sample, or padding is cut wrongly'
    assert len(pickle.dumps(metric.results)) < 4000 * len(samples)


def test_two_processes_score_as_one(ann_file, samples):
    """Ranks take turns, the shorter one repeats samples; mmengine weaves the results."""
    whole = processed(DensePoseCocoMetric(ann_file, FlatBody()), samples[:7])
    expected = whole.compute_metrics(whole.results)
    ranks = [processed(DensePoseCocoMetric(ann_file, FlatBody()), part, batch=1).results
             for part in (samples[:7:2], samples[1:7:2] + samples[:1])]
    woven = [pickle.loads(pickle.dumps(r)) for pair in zip(*ranks, strict=True) for r in pair]
    assert len(woven) == 8
    assert whole.compute_metrics(woven) == expected
    assert whole.compute_metrics(woven[::-1]) == expected
    assert expected['GPS/AP50'] < 1, 'the eighth person is missing'


def test_annotation_is_found_through_the_dataset(ann_file, samples, data):
    MessageHub.get_current_instance().update_info('blocks_ann_file', ann_file)
    metric = DensePoseCocoMetric(template=FlatBody())
    with pytest.raises(ValueError, match='ann_file'):
        processed(metric, samples)
    metric.dataset_meta = dict(dataset_name='blocks')
    figures = processed(metric, samples).evaluate(len(samples))
    assert figures['densepose/GPS/AP50'] == pytest.approx(1)
    other = DensePoseCocoMetric(ann_file, FlatBody())
    kept = other.ground_truth
    other.dataset_meta = dict(dataset_name='blocks')
    assert other.ground_truth is kept, 'the explicit file goes before the dataset\'s'


def test_result_file_scores_the_same(ann_file, samples, tmp_path):
    metric = DensePoseCocoMetric(ann_file, FlatBody(), outfile_prefix=str(tmp_path / 'out/r'))
    processed(metric, samples)
    figures = metric.compute_metrics(metric.results)
    truth = GroundTruth.load(ann_file)
    read = read_results(tmp_path / 'out' / 'r.densepose.json', truth)
    assert evaluate(truth, read.detections, FlatBody()) == figures


def test_the_command_scores_the_file_the_same(ann_file, samples, data, tmp_path):
    """Every figure of tools/evaluate.py on the metric's file is the metric's own, bit for bit."""
    prefix = str(tmp_path / 'r')
    writer = DensePoseCocoMetric(format_only=True, outfile_prefix=prefix)
    noisy = [predict(a, lambda p, n=n: np.where(p > 24, p // (1 + n), p))
             for n, a in enumerate(data['annotations'])]
    processed(writer, noisy).evaluate(len(noisy))
    metric = DensePoseCocoMetric(ann_file)
    expected = processed(metric, noisy).compute_metrics(metric.results)
    assert .05 < expected['GPS/AP'] < .95 and .05 < expected['GPSm/AP'] < .95
    for jobs in ('1', '2'):
        out = tmp_path / f'numbers{jobs}.json'
        subprocess.run([sys.executable, str(ROOT / 'tools/evaluate.py'), ann_file,
                        f'{prefix}.densepose.json', '--out', str(out), '--jobs', jobs],
                       check=True, capture_output=True)
        assert json.loads(out.read_text())['figures'] == expected


def test_diagnosis_and_parts_beside_the_same_scores(ann_file, samples, tmp_path):
    folder = tmp_path / 'why' / 'so'
    plain = processed(DensePoseCocoMetric(ann_file, FlatBody()), samples)
    metric = METRICS.build(dict(type='DensePoseCocoMetric', ann_file=ann_file,
                                template=FlatBody(), diagnosis=str(folder), parts=True))
    figures = processed(metric, samples).evaluate(len(samples))
    expected = plain.evaluate(len(samples))
    assert {k: figures.pop(k) for k in expected} == expected
    # every block person is one torso to its part masks, and 14 parts to its surfaces
    assert set(figures) == {f'densepose/parts/{name}' for name in ('AP', 'AP50', 'PCP50', 'mIoU',
                                                                   'mAcc')}
    assert 0 < figures['densepose/parts/mIoU'] < .5
    written = json.loads((folder / 'diagnosis.json').read_text())
    assert written['overall'][0]['points'] == 8 * 60
    assert written['bottleneck'][0]['GPS/AP'] == expected['densepose/GPS/AP']
    assert {p.name for p in folder.iterdir()} == {'diagnosis.json', 'diagnosis.txt',
                                                  'diagnosis.png'}


def test_format_only_needs_no_annotation(samples, tmp_path):
    metric = DensePoseCocoMetric(format_only=True, outfile_prefix=str(tmp_path / 'r'))
    assert processed(metric, samples).evaluate(len(samples)) == {}
    records = json.loads((tmp_path / 'r.densepose.json').read_text())
    assert len(records) == len(samples)
    assert set(records[0]) == {'image_id', 'category_id', 'bbox', 'score', 'uv_shape', 'uv_data'}
    with pytest.raises(ValueError, match='outfile_prefix'):
        DensePoseCocoMetric(format_only=True)


def test_boxes_keep_the_width_of_the_annotation(tmp_path, data, ann_file):
    """float32 corners of x = 100.02, w = 100 differ by 99.99999; its picture is 100 wide."""
    annotation = data['annotations'][0] | dict(bbox=[100.02, 20., 100., 150.])
    metric = processed(DensePoseCocoMetric(ann_file, FlatBody()), [predict(annotation)])
    corners = np.float32([100.02, np.float32(100.02) + np.float32(100)]).astype(float)
    assert int(corners[1] - corners[0]) == 99
    assert metric.results[0][0]['detection'].box.tolist() == [100.02, 20., 100., 150.]


def test_user_errors_are_named(ann_file, samples, data, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        DensePoseCocoMetric(str(tmp_path / 'nowhere.json'), FlatBody())
    with pytest.raises(ValueError, match='kinds'):
        DensePoseCocoMetric(ann_file, FlatBody(), kinds=('AP', ))
    with pytest.raises(ValueError, match='threshold'):
        DensePoseCocoMetric(ann_file, FlatBody(), min_threshold=.9)
    metric = DensePoseCocoMetric(ann_file, FlatBody())
    stranger = predict(data['annotations'][0] | dict(image_id=4711))
    with pytest.raises(ValueError, match='image 4711.*people.json'):
        processed(metric, [stranger])
    bare = predict(data['annotations'][0])
    del bare.pred_instances.dense_uv
    with pytest.raises(ValueError, match='image 100, sample 1.*dense_uv'):
        processed(metric, [bare])
    fields = predict(data['annotations'][0]).to_dict()
    fields['pred_instances']['bbox_scores'] = np.ones(2)
    with pytest.raises(ValueError, match="different numbers.*'bbox_scores': 2"):
        metric.process({}, [fields])
    broken = predict(data['annotations'][0])
    broken.pred_instances.bbox_scores[0] = np.nan
    with pytest.raises(ValueError, match='image 100, sample 1.*score nan'):
        processed(metric, [broken])


def test_oddities_are_said(monkeypatch, tmp_path, data):
    said = []
    monkeypatch.setattr(densepose_coco_metric, 'print_log', lambda text, *_: said.append(text))
    annotations = [dict(a) for a in data['annotations']]
    annotations[0]['id'] = 0
    annotations[2]['id'] = annotations[3]['id']
    path = tmp_path / 'odd.json'
    path.write_text(json.dumps(data | dict(annotations=annotations)))
    metric = DensePoseCocoMetric(str(path), FlatBody())
    assert set(metric.compute_metrics([]).values()) == {-1.}
    outside = predict(annotations[0] | dict(bbox=[-500., 0., 50., 50.]))
    figures = processed(metric, [outside]).compute_metrics(metric.results)
    assert figures['GPSm/AP'] == figures['segm/AP'] == 0
    text = '\n'.join(said)
    for words in ('no dense pose', '1 annotation ids occur twice (4)', 'has id 0',
                  '1 detections lie wholly outside', 'GPSm'):
        assert words in text


def test_bad_annotation_is_said_before_anything_runs(monkeypatch, tmp_path, data):
    said = []
    monkeypatch.setattr(densepose_coco_metric, 'print_log', lambda text, *_: said.append(text))
    annotations = [dict(a) for a in data['annotations']]
    annotations[1]['dp_masks'] = dict(size=[256, 256], counts='zz')
    path = tmp_path / 'bad.json'
    path.write_text(json.dumps(data | dict(annotations=annotations)))
    MessageHub.get_current_instance().update_info('bad_ann_file', str(path))
    metric = METRICS.build(dict(type='DensePoseCocoMetric', template=FlatBody()))
    assert not said
    metric.dataset_meta = dict(dataset_name='bad')
    assert len(said) == 1 and 'bad.json: 1 x dense annotation' in said[0] and 'annotation 2' in (
        said[0])
    samples = [predict(a) for a in annotations]
    for _ in range(2):
        figures = processed(metric, samples).evaluate(len(samples))
        assert figures['densepose/GPS/AP50'] == pytest.approx(1)
    assert not any('annotation 2' in text for text in said[1:]), 'said once'
    with pytest.raises(ValueError, match=r'bad.json: annotation 2: dp_masks.counts = .zz.'):
        DensePoseCocoMetric(str(path), FlatBody(), on_bad='error')
    with pytest.raises(ValueError, match='on_bad'):
        DensePoseCocoMetric(str(path), FlatBody(), on_bad='ignore')


def test_masks_are_prepared_when_the_annotation_is_known(ann_file, tmp_path, monkeypatch):
    monkeypatch.setenv('KTN_MM_CACHE', str(tmp_path / 'cache'))
    DensePoseCocoMetric(ann_file)
    assert [p.name[:11] for p in (tmp_path / 'cache').iterdir()] == ['annotation_']


class Oracle(BaseModel):
    """A model that returns what the data set says."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return data_samples if mode == 'predict' else dict(loss=self.weight.sum())


def collate(batch):
    return dict(inputs=torch.zeros(len(batch)), data_samples=batch)


def test_best_checkpoint_by_a_figure(ann_file, samples, tmp_path):
    metric = DensePoseCocoMetric(ann_file, FlatBody())
    runner = Runner(
        Oracle(), str(tmp_path), experiment_name='best_checkpoint',
        train_dataloader=DataLoader(samples, 4, collate_fn=collate,
                                    sampler=DefaultSampler(samples)),
        val_dataloader=DataLoader(samples, 4, collate_fn=collate,
                                  sampler=DefaultSampler(samples, shuffle=False)),
        train_cfg=dict(by_epoch=True, max_epochs=1), val_cfg=dict(),
        val_evaluator=Evaluator(metric),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1)), default_scope='mmpose',
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1,
                                           save_best='densepose/GPS/AP', rule='greater')))
    runner.train()
    best = [p.name for p in tmp_path.glob('best*')]
    assert best == ['best_densepose_GPS_AP_epoch_1.pth']
    assert runner.message_hub.get_info('best_score') > .5
