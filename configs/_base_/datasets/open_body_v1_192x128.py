# Crops of 128x192 pixels, otherwise as those of 96x128.
_base_ = './open_body_v1_128x96.py'

codec = dict(_base_.codec, input_size=(128, 192), output_size=(64, 96), sigma=3.)
resized = dict(
    DensePoseTopdownAffine=dict(input_size=codec['input_size']),
    GenerateTarget=dict(encoder=codec))
train_pipeline = [dict(step, **resized.get(step['type'], {})) for step in _base_.train_pipeline]
val_pipeline = [dict(step, **resized.get(step['type'], {})) for step in _base_.val_pipeline]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=val_pipeline))
