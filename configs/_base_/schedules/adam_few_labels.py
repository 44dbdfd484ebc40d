# A trained network learns on from some tens of pictures: many short epochs at a low learning rate.
_base_ = '../runtime.py'

train_cfg = dict(max_epochs=40, val_interval=5)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=2e-4))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=20, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=40, eta_min=1e-6, by_epoch=True,
         convert_to_iter_based=True)]
randomness = dict(seed=0)
default_hooks = dict(logger=dict(interval=5), checkpoint=dict(interval=5, max_keep_ckpts=1))
auto_scale_lr = dict(base_batch_size=16)
