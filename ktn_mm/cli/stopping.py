"""End in good order when somebody asks for it."""
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Turn Ctrl-C and SIGTERM into a KeyboardInterrupt that cannot get lost.

    Python raises it wherever it happens to be, also where nobody can catch it, such as in a
    callback of a library; so the wish is remembered, and :meth:`check` raises it again.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before = {}

    def __enter__(self) -> 'Stop':
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *error) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        del number, frame
        self.asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raise a KeyboardInterrupt if one was asked for."""
        if self.asked:
            raise KeyboardInterrupt
