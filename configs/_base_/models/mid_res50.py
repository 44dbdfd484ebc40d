# MID, but an ordinary surface classifier instead of KTM.
_base_ = './ktn_res50.py'

model = dict(head=dict(ktm=None))
