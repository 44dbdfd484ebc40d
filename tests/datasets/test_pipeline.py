"""The whole way of a sample: registry, workers, batches."""
import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS
from torch.utils.data import DataLoader

from ktn_mm.datasets import DensePoseCocoDataset
from ktn_mm.surface.charts import SURFACE_TO_PART, SURFACE_TWIN
from ktn_mm.testing import make_tiny_dataset

CODEC = dict(type='DensePoseCodec', input_size=(192, 256), output_size=(96, 128), max_points=200)


class SwapOnly:
    """A stand-in for the template."""

    def mirror(self, surface, uv):
        return SURFACE_TWIN[surface], np.array(uv)


def train_pipeline(template):
    return [
        dict(type='LoadPersonImage'),
        dict(type='LoadDenseMasks'),
        dict(type='GetBBoxCenterScale', padding=1.25),
        dict(type='DensePoseRandomFlip', prob=0.5, template=template),
        dict(type='RandomBBoxTransform'),
        dict(type='DensePoseTopdownAffine', input_size=(192, 256)),
        dict(type='InterpolateCorrespondences'),
        dict(type='GenerateTarget', encoder=CODEC),
        dict(type='PackPoseInputs')]


VAL_PIPELINE = [
    dict(type='LoadPersonImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='DensePoseTopdownAffine', input_size=(192, 256)),
    dict(type='PackPoseInputs')]


@pytest.fixture(scope='module', params=[0, 2], ids=['one process', 'two workers'])
def batch(request, tmp_path_factory):
    init_default_scope('mmpose')
    np.random.seed(0)
    torch.manual_seed(0)  # which the workers' seeds come from
    tiny = make_tiny_dataset(tmp_path_factory.mktemp('tiny'), num_images=2,
                             kinds=('dense', 'plain', 'silhouette'))
    dataset = DensePoseCocoDataset(tiny.ann_file, data_prefix=dict(img=tiny.img_dir),
                                   pipeline=train_pipeline(SwapOnly()))
    loader = DataLoader(dataset, batch_size=6, num_workers=request.param,
                        collate_fn=pseudo_collate)
    return next(iter(loader))


def test_batch_has_the_fields_of_the_contract(batch):
    assert [tuple(image.shape) for image in batch['inputs']] == [(3, 256, 192)] * 6
    samples = batch['data_samples']
    fields, labels = samples[0].gt_fields, samples[0].gt_instance_labels
    assert set(fields.keys()) == {'heatmaps', 'dp_parts', 'dp_mask'}
    assert set(labels.keys()) == {'keypoint_weights', 'dp_points', 'dp_surfaces', 'dp_uv'}
    shapes = {key: (tuple(torch.stack([s.gt_fields.get(key) for s in samples]).shape),
                    fields.get(key).dtype) for key in sorted(fields.keys())}
    assert shapes == dict(heatmaps=((6, 17, 128, 96), torch.float32),
                          dp_parts=((6, 1, 128, 96), torch.int64),
                          dp_mask=((6, 1, 128, 96), torch.int64))
    shapes = {key: (tuple(torch.cat([s.gt_instance_labels.get(key) for s in samples]).shape),
                    labels.get(key).dtype) for key in sorted(labels.keys())}
    assert shapes == dict(keypoint_weights=((6, 17), torch.float32),
                          dp_points=((6, 200, 2), torch.float32),
                          dp_surfaces=((6, 200), torch.int64), dp_uv=((6, 200, 2), torch.float32))
    assert set(samples[0].gt_instances.keys()) == {'bboxes', 'bbox_scores', 'bbox_scales',
                                                   'keypoints', 'keypoints_visible'}
    for key in ('id', 'img_id', 'img_path', 'ori_shape', 'input_size', 'input_center',
                'input_scale', 'flip_indices'):
        assert key in samples[0].metainfo
    assert 'raw_ann_info' not in samples[0].metainfo


def test_batch_says_what_is_known_of_whom(batch):
    for kind, sample in zip(['dense', 'plain', 'silhouette'] * 2, batch['data_samples']):
        parts = set(sample.gt_fields.dp_parts.unique().tolist())
        mask = set(sample.gt_fields.dp_mask.unique().tolist())
        known = (sample.gt_instance_labels.dp_surfaces > 0).sum().item()
        assert mask == {0, 1}
        if kind == 'dense':
            assert len(parts) > 8 and 255 not in parts and known > 60
        elif kind == 'plain':
            assert parts == {255} and known == 0
        else:
            assert parts == {0, 255} and known > 60


def test_points_of_a_batch_lie_on_their_part(batch):
    agree = []
    for sample in (batch['data_samples'][i] for i in (0, 3)):
        labels = sample.gt_instance_labels
        used = labels.dp_surfaces[0] > 0
        cells = ((labels.dp_points[0, used] + .5) / 2 - .5).round().long()
        cells = cells.clamp(torch.tensor([0, 0]), torch.tensor([95, 127]))
        parts = sample.gt_fields.dp_parts[0, cells[:, 1], cells[:, 0]]
        agree.append(parts.numpy() == SURFACE_TO_PART[labels.dp_surfaces[0, used].numpy()])
    # The rest lie within half a cell of another part.
    assert np.concatenate(agree).mean() > .85


def test_val_batches_of_annotated_and_detected_boxes(tiny, build):
    for boxes in ({}, dict(bbox_file=tiny.bbox_file)):
        dataset = build(tiny, pipeline=VAL_PIPELINE, test_mode=True, **boxes)
        batch = next(iter(DataLoader(dataset, 4, collate_fn=pseudo_collate)))
        sample = batch['data_samples'][3]
        assert sample.gt_instances.bboxes.shape == (1, 4)
        assert sample.gt_instances.bbox_scores.shape == (1,)
        assert sample.input_center.shape == sample.input_scale.shape == (2,)


def test_two_files_become_one_training_set(tmp_path, template):
    np.random.seed(0)
    # mmengine's ConcatDataset cannot compare mmpose's metainfo; mmpose's own wrapper serves.
    parts = []
    for seed in (0, 1):
        tiny = make_tiny_dataset(tmp_path / str(seed), num_images=1, seed=seed)
        parts.append(dict(type='DensePoseCocoDataset', ann_file=tiny.ann_file,
                          data_prefix=dict(img=tiny.img_dir), pipeline=[]))
    both = DATASETS.build(dict(type='CombinedDataset', metainfo=DensePoseCocoDataset.METAINFO,
                               datasets=parts, pipeline=train_pipeline(template)))
    assert len(both) == 4
    points = [(both[i]['data_samples'].gt_instance_labels.dp_surfaces > 0).sum() for i in (0, 2)]
    assert min(points) > 50


def test_pipeline_and_dataset_survive_pickling(tiny, build):
    dataset = build(tiny, pipeline=train_pipeline(None))
    again = pickle.loads(pickle.dumps(dataset))
    assert len(again) == len(dataset) == 4
    np.testing.assert_array_equal(again.get_data_info(2)['dp_points'],
                                  dataset.get_data_info(2)['dp_points'])
    assert isinstance(again.pipeline, Compose) and len(again.pipeline.transforms) == 9


def test_mmposes_colour_jitter_fits_in(tiny, build, template):
    steps = train_pipeline(template)
    steps.insert(6, dict(type='PhotometricDistortion'))
    np.random.seed(0)
    assert build(tiny, pipeline=steps)[0]['inputs'].shape == (3, 256, 192)
