# The budget of every row of the open benchmark. 4,000 pictures hold 6,420 annotated people: 402
# steps of 16 crops an epoch, 4,020 steps in all; docs/benchmark says how long they take. Not for
# --auto-scale-lr, which takes this rate for one of 256 crops: results are known by their whole
# config, so none can be added.
_base_ = '../runtime.py'

train_cfg = dict(max_epochs=10, val_interval=2)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=10, eta_min=1e-5, by_epoch=True,
         convert_to_iter_based=True)]
randomness = dict(seed=0)
# The last weights are scored, none are chosen by validation. Two checkpoints are kept, since the
# older one goes before the newer one is written.
default_hooks = dict(checkpoint=dict(interval=1, save_best=None, max_keep_ckpts=2))
# With the seed of its own each epoch has, a run that was killed ends as if it had not been.
custom_hooks = [*_base_.custom_hooks, dict(type='EpochSeedHook')]
