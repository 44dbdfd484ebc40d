# KTM, but HRNet's highest branch instead of MID.
_base_ = './ktn_hrnet-w32.py'

model = dict(
    backbone=dict(extra=dict(stage4=dict(multiscale_output=False))),
    neck=None,
    head=dict(in_channels=32))
