# KTM, but SimpleBaseline's three deconvolutions instead of MID.
_base_ = './ktn_mobilenetv2.py'

model = dict(neck=dict(_delete_=True, type='DeconvDecoder', in_channels=320, channels=64))
