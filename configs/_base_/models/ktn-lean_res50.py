# A KTN that is little dearer than a network of keypoints: 112 channels instead of 256.
_base_ = './ktn_res50.py'

model = dict(neck=dict(channels=112), head=dict(in_channels=112))
