"""Several runs at a time, that can be stopped at any moment."""
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import psutil
from tqdm import tqdm

from open_body_runs.rows import ROOT
from open_body_runs.run import Run

GRACE = 20.
"""Seconds that a process has to end after it was asked to."""
NOTED = 60.
"""Seconds between two notes of a process's time, which outlive a killed driver."""
ONE_THREAD = {name: '1' for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS',
                                     'OPENBLAS_NUM_THREADS')}


@dataclass
class _Process:
    """A command that works on a run."""

    run: Run
    popen: subprocess.Popen
    log: IO
    kind: str
    began: float
    claim: int
    noted: float = 0.

    def poll(self) -> tuple[int, float] | None:
        """Return exit code and CPU seconds if the command has ended."""
        pid, status, usage = os.wait4(self.popen.pid, os.WNOHANG)
        if not pid:
            return None
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        return self.popen.returncode, usage.ru_utime + usage.ru_stime

    def note_time(self) -> None:
        """Write down how long the command has run so far."""
        with suppress(psutil.Error):  # it has just ended, and the end is noted, too
            times = psutil.Process(self.popen.pid).cpu_times()
            self.set_time(times.user + times.system + times.children_user
                          + times.children_system)

    def set_time(self, cpu_seconds: float) -> None:
        self.noted = time.monotonic()
        self.run.folder.set_time((self.noted - self.began) / 60, cpu_seconds / 60)

    def ask_to_end(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)


class Pool:
    """Bring runs to their end, some at a time.

    Every run has a log, ``log.txt``, in its folder. SIGINT, SIGTERM, SIGHUP and the deadline end
    what goes on; what is there then can be brought on by another pool.

    Args:
        runs: in the order in which they begin.
        jobs: how many go on at a time.
        minutes: after which nothing goes on, None for no end.
        settings: environment variables for the commands.
        interval: seconds between two looks at the runs.
        noted: seconds between two notes of how long each has run.
    """

    def __init__(self, runs: list[Run], jobs: int, *, minutes: float | None = None,
                 settings: dict[str, str] | None = None, interval: float = 1.,
                 noted: float = NOTED) -> None:
        self.waiting = list(runs)
        self.jobs = jobs
        self.deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self.environment = {**os.environ, **ONE_THREAD, **(settings or {})}
        self.interval = interval
        self.noted = noted
        self.going: list[_Process] = []
        self.finished: list[Run] = []
        self.failed: dict[str, str] = {}
        self.claimed: list[str] = []
        self.stopped_by = ''
        self.total = len(runs)

    def work(self) -> None:
        """Work until all runs are done, the deadline is over, or a signal comes."""
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in signals}
        screen = Screen(self)
        try:
            while not self.stopped_by:
                self._fill()
                if not self.going:
                    break
                screen.show()
                time.sleep(self.interval)
                self._reap()
                self._note_times()
                if self.deadline is not None and time.monotonic() >= self.deadline:
                    self.stopped_by = 'the minutes are over'
        finally:
            self._end_all()
            screen.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame) -> None:
        del frame
        self.stopped_by = signal.Signals(number).name

    def _fill(self) -> None:
        while self.waiting and len(self.going) < self.jobs and not self.stopped_by:
            run = self.waiting.pop(0)
            claim = run.folder.lock()
            if claim is None:
                self.claimed.append(run.name)
            elif run.result_file.exists():  # another process has finished it in the meantime
                self._finish(run)
            else:
                self._advance(run, claim)

    def _finish(self, run: Run) -> None:
        run.folder.unlock()
        self.finished.append(run)
        tqdm.write(f'{run.name}: finished', file=sys.stderr)

    def _advance(self, run: Run, claim: int) -> None:
        """Start the next command of a run, or end the run."""
        try:
            command = run.next_command()
        except Exception as error:  # whatever it is, it must not end the other runs
            self._fail(run, f'{type(error).__name__}: {error}')
            return
        if command is None:
            self._finish(run)
            return
        log = (run.folder.path / 'log.txt').open('ab')
        popen = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 start_new_session=True, pass_fds=(claim,))
        run.folder.begin_time(run.stage)
        now = time.monotonic()
        self.going.append(_Process(run, popen, log, run.stage, now, claim, now))

    def _reap(self) -> None:
        for process in list(self.going):
            ended = process.poll()
            if ended is None:
                continue
            self._close(process, ended[1])
            if ended[0] == 0:
                self._advance(process.run, process.claim)
            elif not self.stopped_by:
                self._fail(process.run, f'{process.kind} ended with exit code {ended[0]}; see '
                                        f'{process.log.name}')

    def _note_times(self) -> None:
        for process in self.going:
            if time.monotonic() - process.noted >= self.noted:
                process.note_time()

    def _close(self, process: _Process, cpu_seconds: float) -> None:
        self.going.remove(process)
        process.log.close()
        process.set_time(cpu_seconds)

    def _fail(self, run: Run, reason: str) -> None:
        run.folder.unlock()
        self.failed[run.name] = reason
        tqdm.write(f'{run.name}: {reason}', file=sys.stderr)

    def _end_all(self) -> None:
        """End all commands and wait for them."""
        for process in self.going:
            process.ask_to_end(signal.SIGTERM)
        patience = time.monotonic() + GRACE
        while self.going:
            for process in list(self.going):
                ended = process.poll()
                if ended is not None:
                    self._close(process, ended[1])
                    process.run.folder.unlock()
            if self.going and time.monotonic() > patience:
                for process in self.going:
                    process.ask_to_end(signal.SIGKILL)
            time.sleep(.05)


class Screen:
    """A bar for all runs and one for each that goes on.

    On a terminal the bars are drawn anew every half second, in a log file every minute.

    Args:
        pool: to look at.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.live = sys.stderr.isatty()
        self.every = .5 if self.live else 60.
        self.drawn = 0.
        self.bars: dict[str, tqdm] = {}
        self.whole = self._bar('runs', 0, pool.total, 'run')

    def show(self) -> None:
        """Bring the bars up to date, if it is time."""
        if time.monotonic() - self.drawn < self.every:
            return
        self.drawn = time.monotonic()
        going = {process.run.name: process for process in self.pool.going}
        for name in [name for name in self.bars if name not in going]:
            self.bars.pop(name).close()
        for name, process in going.items():
            if name not in self.bars:
                self.bars[name] = self._bar(name, self._free_line(), None, 'step')
            self._bring_on(self.bars[name], process)
        self._draw_whole()

    def close(self) -> None:
        """Leave the screen."""
        for bar in self.bars.values():
            bar.close()
        self.bars.clear()
        self._draw_whole()
        self.whole.close()

    def _draw_whole(self) -> None:
        parts = [bar.n / bar.total for bar in self.bars.values() if bar.total]
        self.whole.n = round(len(self.pool.finished) + sum(parts), 2)
        self.whole.refresh()

    def _bring_on(self, bar: tqdm, process: _Process) -> None:
        progress = process.run.folder.progress()
        bar.set_description(f'{process.run.name} {process.kind}', refresh=False)
        if progress.steps:
            done = (progress.epoch - 1) * progress.steps + progress.step
            if bar.total is None or done < bar.initial:
                bar.total = process.run.epochs * progress.steps
                # What was done before says nothing about the speed.
                bar.initial = done
                bar.start_t = time.time()
            bar.n = done
            bar.set_postfix(epoch=progress.epoch, loss=progress.loss, refresh=False)
        bar.refresh()

    def _free_line(self) -> int:
        taken = {-bar.pos for bar in self.bars.values()}
        return next(n for n in range(1, self.pool.jobs + 1) if n not in taken)

    def _bar(self, name: str, line: int, total: int | None, unit: str) -> tqdm:
        return tqdm(desc=name, total=total, unit=unit, position=line, leave=line == 0,
                    smoothing=0, dynamic_ncols=self.live)
