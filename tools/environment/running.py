"""Long commands with a log, a progress line, and the log's end if they fail."""
from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .checks import SetupError

STEP = re.compile(r'^\[(\d+)/(\d+)\]')  # ninja
COLLECTED = re.compile(r'^\s*(Collecting|Downloading|Building wheel for|Installing collected)')


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


class Progress:
    """One line on a terminal that is written over; elsewhere a line every ten percent or minute.

    A thread keeps the clock going while the command says nothing.
    """

    def __init__(self, name: str) -> None:
        self.name, self.text, self.percent = name, 'started', 0
        self.start = time.monotonic()
        self.live = sys.stdout.isatty()
        self.last = (0, self.start)
        self.over = threading.Event()
        self.clock = threading.Thread(target=self._keep_showing, daemon=True)
        self.clock.start()

    def _keep_showing(self) -> None:
        while not self.over.wait(1 if self.live else 5):
            self._show()

    def _show(self) -> None:
        now = time.monotonic()
        minutes, seconds = divmod(int(now - self.start), 60)
        line = f'  {self.name}: {self.text} ({minutes}:{seconds:02d})'
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print('\r' + line[:width].ljust(width), end='', flush=True)
        elif self.percent >= self.last[0] + 10 or now - self.last[1] > 60:
            self.last = (self.percent, now)
            say(line)

    def at(self, text: str, percent: int = 0) -> None:
        """Tell where the command is."""
        self.text, self.percent = text, percent

    def close(self) -> None:
        """Leave the line."""
        self.over.set()
        self.clock.join()
        if self.live:
            self._show()
            print()


def run(command: list[str], log: Path, name: str, **kwargs) -> None:
    """Run a command, its output to a log and its progress to the terminal.

    Raises:
        SetupError: it failed; the end of its log has been printed.
    """
    progress = Progress(name)
    with open(log, 'a', encoding='utf-8') as file:
        file.write(f'\n$ {" ".join(command)}\n')
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, text=True, errors='replace',
                                   start_new_session=True, **kwargs)
        try:
            for line in process.stdout:
                file.write(line)
                file.flush()
                step = STEP.match(line)
                if step:
                    done, total = map(int, step.groups())
                    progress.at(f'{done} of {total} files', 100 * done // total)
                elif COLLECTED.match(line):
                    progress.at(' '.join(line.split()[:4]))
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)  # compilers too, or they go on by themselves
            process.wait()
            raise
        finally:
            progress.close()
    if code:
        tail = log.read_text(encoding='utf-8', errors='replace').splitlines()[-25:]
        say('\n'.join(f'  | {line[:200]}' for line in tail))
        raise SetupError(f'{name} failed with exit code {code}; the whole log: {log}')


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it. The kernel frees that of the dead."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'Waiting for another set-up that holds {path}')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
