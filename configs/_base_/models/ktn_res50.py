# KTN: MID as neck, KTM in the head.
model = dict(
    type='TopdownDensePoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    neck=dict(
        type='MultiInstanceDecoder',
        in_channels=(256, 512, 1024, 2048),
        channels=256),
    head=dict(
        type='DensePoseHead',
        in_channels=256,
        ktm=dict(type='KnowledgeTransferMachine', sources=('keypoint', 'location', 'part'))),
    test_cfg=dict(flip_test=True))
