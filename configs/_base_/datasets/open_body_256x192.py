# People that never were: tools/make_synth_dataset.py data/open-body
_base_ = '../crops/256x192.py'

dataset_type = 'DensePoseCocoDataset'
data_mode = 'topdown'
data_root = 'data/open-body/'

train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='annotations/densepose_open_train.json',
        data_prefix=dict(img='train/'),
        pipeline=_base_.train_pipeline))
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='annotations/densepose_open_val.json',
        bbox_file=None,  # boxes of a detector (COCO detection json); None: ground-truth boxes
        data_prefix=dict(img='val/'),
        test_mode=True,
        pipeline=_base_.val_pipeline))
val_ann_file = data_root + 'annotations/densepose_open_val.json'
# The clean protocol: nobody has published figures here that the reference's oddities are in.
val_evaluator = [
    dict(type='DensePoseCocoMetric', ann_file=val_ann_file, compat=None),
    dict(type='CocoMetric', ann_file=val_ann_file)]  # keypoints

test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='annotations/densepose_open_test.json',
        bbox_file=None,
        data_prefix=dict(img='test/'),
        test_mode=True,
        pipeline=_base_.val_pipeline))
test_ann_file = data_root + 'annotations/densepose_open_test.json'
test_evaluator = [
    dict(type='DensePoseCocoMetric', ann_file=test_ann_file, compat=None),
    dict(type='CocoMetric', ann_file=test_ann_file)]  # keypoints
