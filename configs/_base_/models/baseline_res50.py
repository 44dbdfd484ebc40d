# Neither MID nor KTM.
_base_ = './ktm_res50.py'

model = dict(head=dict(ktm=None))
