_base_ = '../densepose_topdown/ktm_res50_8xb32-210e_densepose-coco-256x192.py'
model = dict(head=dict(ktm=dict(sources=('part', ))))
