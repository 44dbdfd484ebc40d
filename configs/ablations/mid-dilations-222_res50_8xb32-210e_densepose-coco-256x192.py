_base_ = '../densepose_topdown/mid_res50_8xb32-210e_densepose-coco-256x192.py'
model = dict(neck=dict(dilations=(2, 2, 2)))
