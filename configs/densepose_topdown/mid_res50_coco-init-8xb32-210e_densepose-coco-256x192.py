_base_ = './mid_res50_8xb32-210e_densepose-coco-256x192.py'
model = dict(
    init_cfg=dict(
        type='KeypointPretrained',
        checkpoint='https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/'
        'topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192-04af38ce_20220923.pth'),
    backbone=dict(init_cfg=None))
