# The shipped detector: goes on after the thirteen epochs of the other two files.
_base_ = './rtmdet-tiny_mobilenetv2_restart-1xb8-7e_open-body-v1-192x192.py'

# `mim train` with the second file leaves this one in its --work-dir.
model = dict(init_cfg=dict(type='Pretrained', checkpoint='work_dirs/detector-restart/epoch_7.pth'))
train_cfg = dict(max_epochs=12, val_interval=3)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=12, eta_min=1e-5, by_epoch=True,
         convert_to_iter_based=True)]
