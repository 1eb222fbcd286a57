"""Signals that end a command, raised as KeyboardInterrupt."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SENT_AGAIN_AFTER_S = 0.05


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt, so that ``finally`` blocks run.

    A shell lets a command in the background ignore SIGINT; the handler set here undoes that. Python
    may run the handler within an object's ``__del__`` while it collects garbage. The exception is
    lost there, so the signal is sent again.
    """
    told = sys.unraisablehook

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def send_again(lost: "sys.UnraisableHookArgs") -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
            # Not from here: it would be raised, and lost, in this very call.
            threading.Timer(_SENT_AGAIN_AFTER_S, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            told(lost)

    before = {s: signal.signal(s, interrupt) for s in _INTERRUPTS}
    sys.unraisablehook = send_again
    try:
        yield
    finally:
        sys.unraisablehook = told
        for number, handler in before.items():
            signal.signal(number, handler)
