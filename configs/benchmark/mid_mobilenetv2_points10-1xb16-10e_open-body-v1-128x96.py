# With 10 % of the annotated points.
_base_ = './mid_mobilenetv2_1xb16-10e_open-body-v1-128x96.py'

train_dataloader = dict(dataset=dict(point_share=0.1))
