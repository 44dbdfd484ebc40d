_base_ = [
    '../_base_/schedules/adam_60e.py',
    '../_base_/datasets/open_body_256x192.py',
    '../_base_/models/ktn-lean_res50.py',
]
model = dict(head=dict(decoder=_base_.codec))
