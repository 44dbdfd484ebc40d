# DensePose-COCO on the images of COCO 2014; docs/data.md says where the files go.
_base_ = '../crops/256x192.py'

dataset_type = 'DensePoseCocoDataset'
data_mode = 'topdown'
data_root = 'data/coco/'
# The official surface: tools/convert_densepose_template.py writes this file. Flips, the flip test
# and the metric use it.
template = 'data/densepose/template.npz'
train_pipeline = [
    dict(step, template=template) if step['type'] == 'DensePoseRandomFlip' else step
    for step in _base_.train_pipeline]

# The usual training set: train plus the validation images that are not in minival.
train = dict(
    type=dataset_type,
    data_root=data_root,
    data_mode=data_mode,
    ann_file='annotations/densepose_train2014.json',
    data_prefix=dict(img='train2014/'),
    pipeline=[])
valminusminival = dict(
    type=dataset_type,
    data_root=data_root,
    data_mode=data_mode,
    ann_file='annotations/densepose_valminusminival2014.json',
    data_prefix=dict(img='val2014/'),
    pipeline=[])
train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        datasets=[train, valminusminival],
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='annotations/densepose_minival2014.json',
        bbox_file=None,  # boxes of a detector (COCO detection json); None: ground-truth boxes
        data_prefix=dict(img='val2014/'),
        test_mode=True,
        pipeline=_base_.val_pipeline))
test_dataloader = val_dataloader
val_ann_file = data_root + 'annotations/densepose_minival2014.json'
val_evaluator = [
    dict(type='DensePoseCocoMetric', ann_file=val_ann_file, template=template),
    dict(type='CocoMetric', ann_file=val_ann_file)]  # keypoints
test_evaluator = val_evaluator
