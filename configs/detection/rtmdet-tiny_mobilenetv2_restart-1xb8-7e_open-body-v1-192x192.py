# Goes on after the six epochs of the first file.
_base_ = './rtmdet-tiny_mobilenetv2_1xb8-6e_open-body-v1-192x192.py'

# `mim train` with that file leaves this one in its --work-dir.
model = dict(init_cfg=dict(type='Pretrained', checkpoint='work_dirs/detector/epoch_6.pth'))
train_cfg = dict(max_epochs=7, val_interval=2)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=7, eta_min=1e-5, by_epoch=True,
         convert_to_iter_based=True)]
