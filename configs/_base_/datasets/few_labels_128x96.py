# Some annotated pictures of your own, augmented as the open benchmark's are: docs/few-labels.md
_base_ = './open_body_v1_interp_128x96.py'

data_root = 'data/few-labels/'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
val_ann_file = data_root + 'annotations/densepose_open_val.json'
# No CocoMetric here: it stops at a file whose persons have no keypoints.
val_evaluator = [
    dict(type='DensePoseCocoMetric', ann_file=val_ann_file, compat=None)]
test_ann_file = data_root + 'annotations/densepose_open_test.json'
test_evaluator = [
    dict(type='DensePoseCocoMetric', ann_file=test_ann_file, compat=None)]
