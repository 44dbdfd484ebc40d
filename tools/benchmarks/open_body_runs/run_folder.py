"""The folder in which one run works: what it was begun with, its checkpoints, its logs."""
import fcntl
import json
import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

from open_body_runs.machine import describe_code

_STEP = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\]')
_LOSS = re.compile(r'\bloss: ([\d.]+)')
_KEPT = re.compile(r' - INFO - (Epoch\((train|val|test)\).*|Saving checkpoint.*|resumed epoch.*)')
_TAIL = 16_384
LINES_PER_EPOCH = 4
"""Of training, in the log that is kept."""


class Progress(NamedTuple):
    """How far training has come.

    Attributes:
        epoch: that runs, from 1; 0 before the first line of a log.
        step: of this epoch, from 1.
        steps: of an epoch, 0 if not known yet.
        loss: the last one written.
    """

    epoch: int = 0
    step: int = 0
    steps: int = 0
    loss: float | None = None


class RunFolder:
    """One run's working folder.

    Args:
        path: the folder; made when the run begins.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = None

    def lock(self) -> int | None:
        """Claim the folder; None if another process works in it.

        Returns:
            A file descriptor. The claim lasts until all processes that have it are gone, so a
            training that outlives its driver keeps the next driver away.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / 'claimed').open('w')
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.unlock()
            return None
        return self._lock.fileno()

    def unlock(self) -> None:
        """Give the folder up."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def identity(self) -> dict | None:
        """Return what the run was begun with; None if it never was."""
        return self._notes().get('identity')

    def begin(self, identity: dict) -> None:
        """Write down what the run is begun with, or check that it is the same as before.

        Raises:
            ValueError: if it is not.
        """
        known = self.identity()
        if known is not None and known != identity:
            raise ValueError(f'{self.path} was begun with another config, other data, '
                             'augmentation or options; --again starts over')
        self._write_notes(dict(self._notes(), identity=identity))

    def begin_time(self, kind: str) -> None:
        """Remember that a process has begun, and with which code."""
        notes = self._notes()
        notes.setdefault('times', []).append(
            dict(kind=kind, minutes=0., cpu_minutes=0., code=describe_code()))
        self._write_notes(notes)

    def set_time(self, minutes: float, cpu_minutes: float) -> None:
        """Remember how long the process that began last has run so far."""
        notes = self._notes()
        notes['times'][-1].update(minutes=round(minutes, 3), cpu_minutes=round(cpu_minutes, 3))
        self._write_notes(notes)

    def times(self) -> list[dict]:
        """Return kind, minutes, CPU minutes and code of every process, oldest first."""
        return self._notes().get('times', [])

    def checkpoint(self) -> tuple[int, Path] | None:
        """Return the last epoch with a whole checkpoint, and that checkpoint."""
        found = []
        for path in self.path.glob('epoch_*.pth'):
            number = path.stem.removeprefix('epoch_')
            # A process that was killed while it wrote leaves a file without the zip's directory.
            if number.isdigit() and zipfile.is_zipfile(path):
                found.append((int(number), path))
        return max(found, default=None)

    def logs(self) -> list[Path]:
        """Return mmengine's logs of training, oldest first."""
        return sorted(self.path.glob('2*/2*.log'))

    def progress(self) -> Progress:
        """Return how far training has come."""
        for log in reversed(self.logs()):
            with open(log, 'rb') as file:
                file.seek(max(0, log.stat().st_size - _TAIL))
                text = file.read().decode('utf-8', 'replace')
            for line in reversed(text.splitlines()):
                if match := _STEP.search(line):
                    loss = _LOSS.search(line)
                    return Progress(*map(int, match.groups()), loss and float(loss.group(1)))
        return Progress()

    def curve(self) -> list[dict[str, float]]:
        """Return the figures of every validation, by epoch; of a repeated one the last."""
        found = {}
        for path in sorted(self.path.glob('2*/vis_data/scalars.json')):
            for line in path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:  # the last line of a process that was killed
                    continue
                figures = {name.removeprefix('densepose/'): value for name, value in entry.items()
                           if name.startswith('densepose/')}
                if figures:
                    found[entry['step']] = dict(epoch=entry['step'], **figures)
        return [found[epoch] for epoch in sorted(found)]

    def trimmed_log(self) -> str:
        """Return the lines of all logs that tell how training went, without paths."""
        lines = []
        for log in self.logs():
            for line in log.read_text(errors='replace').splitlines():
                match = _KEPT.search(line)
                if match and self._is_kept(match.group(1)):
                    time = ' '.join(line.split()[:2])
                    lines.append(f'{time} {match.group(1)}')
        return '\n'.join(lines) + '\n'

    def slim(self, keep: Path) -> None:
        """Remove all checkpoints but one, and from that one what only training needs."""
        import torch
        from mmengine.runner import CheckpointLoader

        from ktn_mm.engine.safe_loading import guard_mmengine
        guard_mmengine()
        for path in self.path.glob('epoch_*.pth'):
            if path != keep:
                path.unlink()
        content = CheckpointLoader.load_checkpoint(str(keep), map_location='cpu')
        small = {key: content[key] for key in ('meta', 'state_dict')}
        part = keep.with_suffix('.part')
        torch.save(small, part)
        os.replace(part, keep)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    @staticmethod
    def _is_kept(message: str) -> bool:
        match = _STEP.search(message)
        if not match:
            return True
        step, steps = int(match.group(2)), int(match.group(3))
        every = max(1, steps // LINES_PER_EPOCH)
        return step == steps or step // every > (step - 25) // every

    def _notes(self) -> dict:
        path = self.path / 'run.json'
        return json.loads(path.read_text()) if path.exists() else {}

    def _write_notes(self, notes: dict) -> None:
        write_whole(self.path / 'run.json', json.dumps(notes, indent=1) + '\n')


def write_whole(path: Path, text: str) -> None:
    """Write a file that is either the old one or the new one, whenever one is stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + '.part')
    part.write_text(text, encoding='utf-8')
    os.replace(part, path)
