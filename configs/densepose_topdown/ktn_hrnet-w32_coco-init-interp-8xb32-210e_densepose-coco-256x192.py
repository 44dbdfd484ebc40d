_base_ = [
    '../_base_/schedules/adam_210e.py',
    '../_base_/datasets/densepose_coco_interp_256x192.py',
    '../_base_/models/ktn_hrnet-w32.py',
]
model = dict(
    init_cfg=dict(
        type='KeypointPretrained',
        checkpoint='https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/'
        'topdown_heatmap/coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth'),
    backbone=dict(init_cfg=None),
    head=dict(decoder=_base_.codec, template=_base_.template))
