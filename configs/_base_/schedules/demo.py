# Ten minutes on two cores.
_base_ = '../runtime.py'

train_cfg = dict(max_epochs=12, val_interval=2)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=50, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=12, eta_min=1e-5, by_epoch=True,
         convert_to_iter_based=True)]
randomness = dict(seed=0)
default_hooks = dict(checkpoint=dict(interval=1))
auto_scale_lr = dict(base_batch_size=16)
