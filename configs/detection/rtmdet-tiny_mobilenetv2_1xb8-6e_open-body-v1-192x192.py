_base_ = '../_base_/detection/rtmdet-tiny_open-body-v1.py'

train_cfg = dict(max_epochs=6, val_interval=3, dynamic_intervals=None)
optim_wrapper = dict(optimizer=dict(lr=1e-3), clip_grad=dict(max_norm=35., norm_type=2))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=6, eta_min=1e-5, by_epoch=True,
         convert_to_iter_based=True)]
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=1, max_keep_ckpts=2))
custom_hooks = []
randomness = dict(seed=0)
auto_scale_lr = dict(base_batch_size=8)
