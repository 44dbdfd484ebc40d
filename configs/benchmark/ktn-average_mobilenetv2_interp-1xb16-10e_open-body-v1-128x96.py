# Every graph starts as a plain average, CRKG-A of Table VI.
_base_ = './ktn_mobilenetv2_interp-1xb16-10e_open-body-v1-128x96.py'

model = dict(head=dict(ktm=dict(graph='average')))
