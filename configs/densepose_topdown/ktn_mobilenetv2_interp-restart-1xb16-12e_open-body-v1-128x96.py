# The smaller shipped network: the open benchmark's KTN, trained on for as long again. With the
# same seed, its first ten epochs draw the crops of that run once more.
_base_ = '../benchmark/ktn_mobilenetv2_interp-1xb16-10e_open-body-v1-128x96.py'

# Made by tools/benchmarks/open_body.py --rows ktn-interp --seeds 0 --out work_dirs/benchmark:
# without --out, the published result of this run counts as finished, and nothing is trained.
start = 'work_dirs/open-body-v1/ktn-interp-seed0/epoch_10.pth'
model = dict(init_cfg=dict(type='Pretrained', checkpoint=start), backbone=dict(init_cfg=None))
train_cfg = dict(max_epochs=12)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=12, eta_min=1e-5, by_epoch=True,
         convert_to_iter_based=True)]
auto_scale_lr = dict(base_batch_size=16)
