# What `make demo` trains: small enough for two cores and ten minutes.
_base_ = [
    '../_base_/schedules/demo.py',
    '../_base_/datasets/open_body_demo_128x96.py',
    '../_base_/models/ktn_mobilenetv2.py',
]
model = dict(head=dict(decoder=_base_.codec), test_cfg=dict(flip_test=False))
