_base_ = 'mmpose::_base_/default_runtime.py'

custom_imports = dict(imports=['ktn_mm'], allow_failed_imports=False)
default_hooks = dict(
    logger=dict(interval=25),
    checkpoint=dict(save_best='densepose/GPS/AP', rule='greater', max_keep_ckpts=2))
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='ProgressBarHook')]
visualizer = dict(type='DensePoseLocalVisualizer')
auto_scale_lr = dict(base_batch_size=256)
