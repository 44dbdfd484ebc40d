# The larger shipped network: the smaller one, trained on with crops of twice as many pixels.
_base_ = [
    '../_base_/schedules/adam_10e.py',
    '../_base_/datasets/open_body_v1_192x128.py',
    '../_base_/models/ktn_mobilenetv2.py',
]
weights = '{{ fileDirname }}/../../weights/'
start = 'ktn_mobilenetv2_interp-restart-1xb16-12e_open-body-v1-128x96.pth'
model = dict(
    init_cfg=dict(type='Pretrained', checkpoint=weights + start),
    backbone=dict(init_cfg=None),
    head=dict(decoder=_base_.codec),
    test_cfg=dict(flip_test=False))
auto_scale_lr = dict(base_batch_size=16)
