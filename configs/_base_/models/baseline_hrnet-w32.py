# Neither MID nor KTM.
_base_ = './ktm_hrnet-w32.py'

model = dict(head=dict(ktm=None))
