# With 25 % of the annotated points.
_base_ = './ktn_mobilenetv2_interp-1xb16-10e_open-body-v1-128x96.py'

train_dataloader = dict(dataset=dict(point_share=0.25))
