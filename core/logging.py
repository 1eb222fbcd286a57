"""One log format for all parts: time, level, part, message, then ``key=value`` fields.

A message is for people and may change. A field ``action`` is for programs: each log call of ours
passes one in ``extra``, a fixed ``noun.verb``, and it is the first field of its line::

    2026-03-01T09:30:00.000Z INFO worker.loop: message done action=message.done lane=bulk ids=3

No line tells a value. Errors appear as ``core.faults`` describes them. What a library fills into
its message or its fields is left out, unless its form shows that it is harmless.
"""

import copy
import logging
import re
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

from core import faults
from core.errors import PaidanError

logger = logging.getLogger(__name__)

# The field that says what happened, in words that stay.
ACTION = "action"

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}
# Whose authors know that no line may hold a ticket's text.
_OURS = frozenset(
    ("core", "db", "registry", "paidan", "producer", "worker", "classifier", "training", "bench")
)
# What libraries may say: ids of messages, our tasks and queues, processes and how they ended.
_HARMLESS = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(worker|training)\.tasks\.\w{1,40}"
    r"|tickets\.(live|bulk)|training"
    r"|ForkPoolWorker-\d{1,6}|signal \d{1,2} \(SIG[A-Z0-9]{1,10}\)|exitcode -?\d{1,3}"
    r"|raised (un)?expected|INTERNAL ERROR|ignored|rejected",
    re.ASCII,
)
_MAX_NUMBER = 10**9  # a longer one may be an identity card's or a phone's
_MIN_QUOTED_CHARS = 2
_Error = BaseException


class _Hidden:
    """Stands in a message for a value that is not told."""

    def __repr__(self) -> str:
        return "…"

    def __format__(self, _form: str) -> str:
        return "…"


class _Said(str):
    """A text that ``%r`` shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class FieldFormatter(logging.Formatter):
    """Formats a record as one line; what was passed as ``extra`` follows as ``key=value``.

    The frames of an error follow on lines of their own, without the errors' texts.
    """

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Format a copy of the record in which errors and foreign values are replaced."""
        told = copy.copy(record)
        told.exc_text = None  # another handler may have left the whole text here
        is_ours = record.name.partition(".")[0] in _OURS
        if isinstance(record.args, Mapping):
            told.args = {name: _told(value, is_ours) for name, value in record.args.items()}
        elif record.args:
            told.args = tuple(_told(value, is_ours) for value in record.args)
        elif isinstance(record.msg, _Error):
            told.msg = faults.describe(record.msg)
        elif not is_ours:
            told.msg = _without_errors(str(record.msg), record)
        return super().format(told)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        """Append the record's extra fields to its message."""
        is_ours = record.name.partition(".")[0] in _OURS
        names = [n for n in vars(record) if n not in _STANDARD and not n.startswith("_")]
        names.sort(key=lambda name: name != ACTION)  # the others stay in their order
        fields = (f"{name}={_told(vars(record)[name], is_ours)}" for name in names)
        return " ".join([super().formatMessage(record), *fields])

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's own name)
        """Return the error's types and frames, and of an error of ours what it says."""
        error = ei[1] if isinstance(ei, tuple) else getattr(ei, "exception", None)
        if not isinstance(error, _Error):
            return "no error is known"
        said = f"{faults.describe(error)}\n" if isinstance(error, PaidanError) else ""
        return f"{said}{faults.trace(error)}"


def _told(value: object, is_ours: bool) -> object:
    """Return what stands in a message for a value."""
    if isinstance(value, _Error):
        return _Said(faults.describe(value))
    if is_ours or value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < _MAX_NUMBER else _Hidden()
    if isinstance(value, type):
        return _Said(faults.plain(value.__name__))
    return value if isinstance(value, str) and _HARMLESS.fullmatch(value) else _Hidden()


def _without_errors(message: str, record: logging.LogRecord) -> str:
    """Return a message that was made before it came here, without the text of the error at hand."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else sys.exception()
    for fault in faults.chain(error) if error is not None else ():
        said = [str(fault), repr(fault), *(str(argument) for argument in fault.args)]
        for text in sorted(said, key=len, reverse=True):
            if len(text) >= _MIN_QUOTED_CHARS:
                message = message.replace(text, faults.plain(type(fault).__name__))
    return message


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to stderr. A record that cannot be written is named by its place, not shown."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        """Say where the record came from."""
        error = sys.exception()
        if isinstance(error, BrokenPipeError) or self.stream is None:
            return
        place = f"{faults.short_path(record.pathname)}:{record.lineno}"
        kind = "" if error is None else faults.signature(error)
        try:
            self.stream.write(f"a log record of {place} cannot be written: {kind}\n")
        except (OSError, ValueError):  # there is nobody to tell
            return


def configure(level: int | str = logging.INFO) -> None:
    """Send all log records to stderr in Paidan's format. Calling it again changes the level.

    Warnings, and errors that nobody caught, are log records too.
    """
    handler = _Handler(sys.stderr)
    handler.setFormatter(FieldFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # lists its plugins at every start
    # Remarks on an optional package at every start.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    logging.captureWarnings(True)  # first, or Celery's call would replace the next line
    warnings.showwarning = _show_warning
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_thread_end
    sys.unraisablehook = _on_unraisable


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Log a warning's kind and place: its text may quote a ticket."""
    del message, file, line
    place = f"{faults.short_path(filename)}:{lineno}"
    kind = faults.plain(category.__name__)
    logger.warning("warned", extra={"action": "warning.raised", "kind": kind, "place": place})


def _on_uncaught(
    kind: type[BaseException], error: BaseException, frames: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.critical(
        "an error that nobody expected",
        exc_info=(kind, error, frames),
        extra={"action": "process.failed"},
    )


def _on_thread_end(ended: "threading.ExceptHookArgs") -> None:
    error = ended.exc_value
    if error is not None and not isinstance(error, SystemExit):
        logger.error(
            "a thread ended",
            exc_info=(type(error), error, ended.exc_traceback),
            extra={"action": "thread.failed"},
        )


def _on_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    error = unraisable.exc_value
    if error is not None:
        logger.error(
            "an error where none can be raised",
            exc_info=error,
            extra={"action": "finalizer.failed"},
        )
