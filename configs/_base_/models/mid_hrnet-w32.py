# MID, but an ordinary surface classifier instead of KTM.
_base_ = './ktn_hrnet-w32.py'

model = dict(head=dict(ktm=None))
