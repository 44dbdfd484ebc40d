# The open benchmark with correspondences interpolated between the annotated ones, the paper's
# "Data Aug". Half the lattice and the edges of crops of twice the size.
_base_ = './open_body_v1_128x96.py'

codec = dict(_base_.codec, max_points=324)
train_pipeline = [
    *_base_.train_pipeline[:-2],
    dict(type='InterpolateCorrespondences', stride=2, max_edge=16., max_added=128),
    dict(type='GenerateTarget', encoder=codec),
    _base_.train_pipeline[-1]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
