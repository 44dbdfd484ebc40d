# Neither MID nor KTM.
_base_ = './ktm_mobilenetv2.py'

model = dict(head=dict(ktm=None))
