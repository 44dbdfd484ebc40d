_base_ = [
    '../_base_/schedules/adam_210e.py',
    '../_base_/datasets/densepose_coco_256x192.py',
    '../_base_/models/ktn-lean_res50.py',
]
model = dict(head=dict(decoder=_base_.codec, template=_base_.template))
