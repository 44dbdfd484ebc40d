_base_ = './mid-v1_res50_8xb32-210e_densepose-coco-256x192.py'
model = dict(head=dict(loss_surface=dict(resample=True)))
