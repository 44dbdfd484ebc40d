# DensePose-COCO with correspondences interpolated between the annotated ones, the paper's
# "Data Aug". A person has 196 annotated points at most, and 128 are added at most.
_base_ = './densepose_coco_256x192.py'

codec = dict(_base_.codec, max_points=324)
train_pipeline = [
    *_base_.train_pipeline[:-2],
    dict(type='InterpolateCorrespondences', max_added=128),
    dict(type='GenerateTarget', encoder=codec),
    _base_.train_pipeline[-1]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
