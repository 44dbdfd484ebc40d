# Neither MID nor KTM.
_base_ = './ktn_res18.py'

model = dict(
    neck=dict(_delete_=True, type='DeconvDecoder', in_channels=512, channels=64),
    head=dict(ktm=None))
