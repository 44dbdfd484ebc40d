_base_ = '../densepose_topdown/baseline_res50_8xb32-210e_densepose-coco-256x192.py'
model = dict(neck=dict(instance_strengthening=True))
