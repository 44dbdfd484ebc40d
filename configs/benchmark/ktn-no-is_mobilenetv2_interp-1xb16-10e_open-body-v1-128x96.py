# Without instance strengthening.
_base_ = './ktn_mobilenetv2_interp-1xb16-10e_open-body-v1-128x96.py'

model = dict(neck=dict(instance_strengthening=False))
