# KTM, but SimpleBaseline's three deconvolutions instead of MID.
_base_ = './ktn_res50.py'

model = dict(neck=dict(_delete_=True, type='DeconvDecoder', in_channels=2048, channels=256))
