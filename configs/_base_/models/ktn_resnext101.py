_base_ = './ktn_res50.py'

model = dict(
    backbone=dict(
        type='ResNeXt',
        depth=101,
        groups=32,
        width_per_group=4,
        init_cfg=dict(type='Pretrained', checkpoint='mmcls://resnext101_32x4d')))
