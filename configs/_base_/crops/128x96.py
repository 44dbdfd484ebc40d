# Crops of 96x128 pixels; the network answers on a grid of half that size.
codec = dict(
    type='DensePoseCodec', input_size=(96, 128), output_size=(48, 64), sigma=2.)
meta_keys = ('id', 'img_id', 'img_path', 'ori_shape', 'img_shape', 'input_size', 'input_center',
             'input_scale', 'flip', 'flip_direction', 'flip_indices')
train_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='LoadDenseMasks'),
    dict(type='DensePoseRandomFlip', prob=0.5),
    dict(type='RandomBBoxTransform', shift_prob=0., rotate_factor=30., scale_factor=(0.8, 1.2)),
    dict(type='DensePoseTopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys)]
val_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='DensePoseTopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs', meta_keys=meta_keys)]
