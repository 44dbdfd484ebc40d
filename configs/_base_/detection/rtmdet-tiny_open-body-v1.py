# Neck and head of mmdet's RTMDet-tiny behind MobileNetV2, for one class.
# The pictures: tools/make_synth_dataset.py data/open-body-v1 --preset open-body-v1
_base_ = 'mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py'

norm_cfg = dict(type='BN')  # one process: nothing to synchronize
model = dict(
    # RGB, as the ImageNet weights want it.
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(
        _delete_=True,
        type='MobileNetV2',
        out_indices=(2, 4, 6),  # strides 8, 16, 32
        # tools/convert_mobilenetv2.py writes this file.
        init_cfg=dict(type='Pretrained', checkpoint='data/mobilenetv2_imagenet.pth')),
    neck=dict(in_channels=[32, 96, 320], norm_cfg=norm_cfg),
    bbox_head=dict(num_classes=1, norm_cfg=norm_cfg),
    test_cfg=dict(nms_pre=1000, max_per_img=100))

data_root = 'data/open-body-v1/'
metainfo = dict(classes=('person', ), palette=[(220, 20, 60)])
size = (192, 192)
grey = dict(img=(114, 114, 114))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='RandomResize', scale=size, ratio_range=(0.7, 1.2), keep_ratio=True),
    dict(type='RandomCrop', crop_size=size),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(4, 4), keep_empty=False),
    # Little of the hue: skin should look like skin.
    dict(type='YOLOXHSVRandomAug', hue_delta=6, saturation_delta=40, value_delta=40),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True, channel_weights=(0.11, 0.59, 0.3)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=size, pad_val=grey),
    dict(type='PackDetInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=size, keep_ratio=True),
    dict(type='Pad', size=size, pad_val=grey),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]

people = dict(data_root=data_root, metainfo=metainfo)
in_order = dict(batch_size=16, num_workers=0, persistent_workers=False)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(
        ann_file='annotations/densepose_open_train.json',
        data_prefix=dict(img='train/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=4),
        pipeline=train_pipeline,
        **people))
val_dataloader = dict(**in_order, dataset=dict(
    ann_file='annotations/densepose_open_val.json',
    data_prefix=dict(img='val/'),
    pipeline=test_pipeline,
    **people))
test_dataloader = dict(**in_order, dataset=dict(
    ann_file='annotations/densepose_open_test.json',
    data_prefix=dict(img='test/'),
    pipeline=test_pipeline,
    **people))
# mmdet's RTMDet counts no more than 10 boxes of a picture; these are CocoMetric's own numbers.
figures = dict(
    proposal_nums=(100, 300, 1000),
    metric_items=['mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l', 'AR@100'])
val_evaluator = dict(ann_file=data_root + 'annotations/densepose_open_val.json', **figures)
test_evaluator = dict(ann_file=data_root + 'annotations/densepose_open_test.json', **figures)
