# A small KTN for machines without a GPU: 64 channels instead of 256.
_base_ = './ktn_res50.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='MobileNetV2',
        out_indices=(1, 2, 4, 6),
        # tools/convert_mobilenetv2.py writes this file.
        init_cfg=dict(type='Pretrained', checkpoint='data/mobilenetv2_imagenet.pth')),
    neck=dict(in_channels=(24, 32, 96, 320), channels=64),
    head=dict(in_channels=64))
# mmpose builds the backbone's last convolution even where nothing reads it.
find_unused_parameters = True
