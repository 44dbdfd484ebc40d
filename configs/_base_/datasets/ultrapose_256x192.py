# UltraPose has DensePose-COCO's annotation keys and its surface, but about 2,600 points a person;
# docs/data.md says where the files go.
_base_ = './densepose_coco_256x192.py'

data_root = 'data/ultrapose/'
codec = dict(_base_.codec, max_points=1024)
train_pipeline = [
    *_base_.train_pipeline[:-2],
    dict(type='GenerateTarget', encoder=codec),
    _base_.train_pipeline[-1]]

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=_base_.dataset_type,
        data_root=data_root,
        data_mode=_base_.data_mode,
        ann_file='annotations/densepose_train2014.json',
        data_prefix=dict(img='train2014/'),
        pipeline=train_pipeline))
# This file is the test set, whatever its name says.
val_dataloader = dict(
    dataset=dict(
        data_root=data_root, ann_file='annotations/densepose_valminusminival2014.json'))
test_dataloader = val_dataloader
val_ann_file = data_root + 'annotations/densepose_valminusminival2014.json'
# No CocoMetric here: it stops at a file whose persons have no keypoints.
val_evaluator = [
    dict(type='DensePoseCocoMetric', ann_file=val_ann_file, template=_base_.template)]
test_evaluator = val_evaluator
