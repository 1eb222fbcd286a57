"""A signal that ends a command is raised, even where garbage would swallow it."""

import signal

import pytest

from paidan.embedded.interrupts import interrupts_raised
from tests.support.processes import wait_until


def test_an_interrupt_that_garbage_swallows_comes_again() -> None:
    class Garbage:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def interrupted() -> None:
        with interrupts_raised():
            garbage = Garbage()
            del garbage
            wait_until(lambda: False, 10, "the interrupt")

    with pytest.raises(KeyboardInterrupt):
        interrupted()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_interrupts_and_the_handlers_of_before_come_back(sent: signal.Signals) -> None:
    before = signal.getsignal(sent)

    with pytest.raises(KeyboardInterrupt), interrupts_raised():
        signal.raise_signal(sent)

    assert signal.getsignal(sent) == before
