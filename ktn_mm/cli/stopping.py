"""End in good order when somebody asks for it."""
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TextIO, TypeVar

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Entered = TypeVar('Entered')


class Stop:
    """Turn Ctrl-C, SIGTERM and a lost terminal into a KeyboardInterrupt that cannot get lost.

    Python raises it wherever it happens to be, also where nobody can catch it, such as in a
    callback of a library; so the wish is remembered, and :meth:`check` raises it again.
    Under nohup a lost terminal is no wish.
    """

    def __init__(self) -> None:
        self.asked = self._holds = False
        self._before = {}

    def __enter__(self) -> 'Stop':
        self._before = {
            number: signal.signal(number, self._note) for number in SIGNALS
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN}
        return self

    def __exit__(self, *error) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        del number, frame
        self.asked = True
        if not self._holds:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a block come to its end before anything is raised; :meth:`check` raises it then."""
        self._holds = True
        try:
            yield
        finally:
            self._holds = False

    @contextmanager
    def closing(self, opened: AbstractContextManager[Entered]) -> Iterator[Entered]:
        """Use a context whose end is held: whoever asks twice still gets whole files."""
        entered = opened.__enter__()
        try:
            yield entered
        except BaseException as error:
            with self.held():
                if not opened.__exit__(type(error), error, error.__traceback__):
                    raise
        else:
            with self.held():
                opened.__exit__(None, None, None)

    def check(self) -> None:
        """Raise a KeyboardInterrupt if one was asked for."""
        if self.asked:
            raise KeyboardInterrupt


def tell(text: str, file: TextIO | None = None) -> None:
    """Print a line; a terminal that is lost hears nothing."""
    with suppress(OSError):
        print(text, file=file or sys.stdout, flush=True)
