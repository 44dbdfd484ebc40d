# From scratch; 64 channels as with MobileNetV2.
_base_ = './ktn_res50.py'

model = dict(
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=(64, 128, 256, 512), channels=64),
    head=dict(in_channels=64))
