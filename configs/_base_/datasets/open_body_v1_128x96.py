# The open benchmark: tools/make_synth_dataset.py data/open-body-v1 --preset open-body-v1
# On top of the geometry, what photographs have and renderings lack: colours, grey pictures, blur,
# noise, things in front of people.
_base_ = '../crops/128x96.py'

dataset_type = 'DensePoseCocoDataset'
data_mode = 'topdown'
data_root = 'data/open-body-v1/'
train_pipeline = [
    *_base_.train_pipeline[:-2],
    # Not PhotometricDistortion, which swaps channels half of the time: skin should look like skin.
    dict(type='YOLOXHSVRandomAug', hue_delta=6, saturation_delta=40, value_delta=40),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True, channel_weights=(0.11, 0.59, 0.3)),
    dict(type='RandomBlurNoise', blur_prob=0.2, blur_sigma=1.2, noise_prob=0.3, noise_std=10.),
    dict(type='RandomOcclusion', prob=0.3, area=(0.02, 0.12)),
    *_base_.train_pipeline[-2:]]

train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        dense='only',
        ann_file='annotations/densepose_open_train.json',
        data_prefix=dict(img='train/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32,
    num_workers=0,
    persistent_workers=False,
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
    num_workers=0,
    persistent_workers=False,
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
    dict(type='DensePoseCocoMetric', ann_file=test_ann_file, compat=None, parts=True),
    dict(type='CocoMetric', ann_file=test_ann_file)]
