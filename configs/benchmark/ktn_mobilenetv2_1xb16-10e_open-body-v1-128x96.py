_base_ = [
    '../_base_/schedules/adam_10e.py',
    '../_base_/datasets/open_body_v1_128x96.py',
    '../_base_/models/ktn_mobilenetv2.py',
]
model = dict(head=dict(decoder=_base_.codec), test_cfg=dict(flip_test=False))
