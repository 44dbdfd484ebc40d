# The graph without the transformer, Table VI.
_base_ = './ktn_mobilenetv2_interp-1xb16-10e_open-body-v1-128x96.py'

model = dict(head=dict(ktm=dict(transform=False)))
