# The smaller shipped network learns on from a few labels: docs/few-labels.md
_base_ = [
    '../_base_/schedules/adam_few_labels.py',
    '../_base_/datasets/few_labels_128x96.py',
    '../_base_/models/ktn_mobilenetv2.py',
]
# Weights of your own: model.init_cfg.checkpoint, since `load_from` comes on top of it.
weights = '{{ fileDirname }}/../../weights/'
start = 'ktn_mobilenetv2_interp-restart-1xb16-12e_open-body-v1-128x96.pth'
model = dict(
    init_cfg=dict(type='Pretrained', checkpoint=weights + start),
    backbone=dict(init_cfg=None),
    head=dict(decoder=_base_.codec),
    test_cfg=dict(flip_test=False))
