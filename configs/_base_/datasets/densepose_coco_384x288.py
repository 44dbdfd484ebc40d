# Crops of 288x384 pixels, otherwise as those of 192x256.
_base_ = './densepose_coco_256x192.py'

# 4.5 would be in proportion; three sigma are a whole number of cells, as the codec asks.
codec = dict(_base_.codec, input_size=(288, 384), output_size=(144, 192), sigma=14 / 3)
resized = dict(
    DensePoseTopdownAffine=dict(input_size=codec['input_size']),
    GenerateTarget=dict(encoder=codec))
train_pipeline = [dict(step, **resized.get(step['type'], {})) for step in _base_.train_pipeline]
val_pipeline = [dict(step, **resized.get(step['type'], {})) for step in _base_.val_pipeline]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
