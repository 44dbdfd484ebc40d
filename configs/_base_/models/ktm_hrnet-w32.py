# KTM, but HRNet's highest branch instead of MID.
_base_ = './ktn_hrnet-w32.py'

model = dict(neck=None, head=dict(in_channels=32))
