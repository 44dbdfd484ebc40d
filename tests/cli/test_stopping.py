import os
import signal
from contextlib import contextmanager

import pytest

from ktn_mm.cli.stopping import SIGNALS, Stop


@pytest.fixture(autouse=True)
def a_terminal():
    """Tests may run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
@pytest.mark.parametrize('number', SIGNALS)
def test_a_wish_that_got_lost_is_raised_again(number):
    """A finalizer swallows what is raised in it."""
    class Grave:
        def __del__(self):
            os.kill(os.getpid(), number)
            for _ in range(1000):  # the signal is handled between two of these
                pass
    before = [signal.getsignal(one) for one in SIGNALS]
    with Stop() as stop:
        stop.check()
        grave = Grave()
        del grave
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            stop.check()
    assert [signal.getsignal(one) for one in SIGNALS] == before


@pytest.mark.parametrize('number', SIGNALS)
def test_a_held_block_comes_to_its_end(number):
    steps = []
    with Stop() as stop:
        with stop.held():
            os.kill(os.getpid(), number)
            steps += [i for i in range(1000)]
        assert len(steps) == 1000 and stop.asked
        with pytest.raises(KeyboardInterrupt):
            stop.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
            for _ in range(1000):
                pass


def test_who_asks_twice_still_gets_whole_files():
    done = []

    @contextmanager
    def slow():
        try:
            yield
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            done.extend(range(1000))
    with pytest.raises(KeyboardInterrupt), Stop() as stop, stop.closing(slow()):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    assert len(done) == 1000


def test_nohup_is_heeded():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(1000):
            pass
        assert not stop.asked
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
