_base_ = '../densepose_topdown/ktn_res50_8xb32-210e_densepose-coco-256x192.py'
model = dict(neck=dict(version=1), head=dict(ktm=dict(sources=('keypoint', ))))
