"""A progress bar for the runner."""
import sys

from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from tqdm import tqdm


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Show how far training, validation and testing have come, and the running loss.

    Args:
        interval: least seconds between two updates; by default 0.5 on a terminal and 30 in a
            log file.
    """

    priority = 'VERY_LOW'

    def __init__(self, interval: float | None = None) -> None:
        self.interval = interval or (0.5 if sys.stderr.isatty() else 30.)
        self.bars: dict[str, tqdm] = {}

    def _open(self, name: str, total: int, start: int = 0, **kwargs) -> None:
        self.bars[name] = tqdm(total=total, initial=start, desc=name, mininterval=self.interval,
                               dynamic_ncols=sys.stderr.isatty(), **kwargs)

    def _close(self, name: str) -> None:
        bar = self.bars.pop(name, None)
        if bar is not None:
            bar.close()

    def before_train(self, runner) -> None:
        if runner.rank == 0:
            self._open('train', runner.max_iters, runner.iter, unit='step')

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if 'train' in self.bars:
            if outputs:
                self.bars['train'].set_postfix(loss=f'{outputs["loss"].item():.2f}', refresh=False)
            self.bars['train'].update()

    def after_train(self, runner) -> None:
        self._close('train')

    def before_val_epoch(self, runner) -> None:
        if runner.rank == 0:
            self._open('val', len(runner.val_dataloader), unit='batch', leave=False)

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if 'val' in self.bars:
            self.bars['val'].update()

    def after_val_epoch(self, runner, metrics=None) -> None:
        self._close('val')

    def before_test_epoch(self, runner) -> None:
        if runner.rank == 0:
            self._open('test', len(runner.test_dataloader), unit='batch')

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if 'test' in self.bars:
            self.bars['test'].update()

    def after_test_epoch(self, runner, metrics=None) -> None:
        self._close('test')
