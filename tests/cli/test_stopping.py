import os
import signal

import pytest

from ktn_mm.cli.stopping import SIGNALS, Stop


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
