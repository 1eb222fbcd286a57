"""One log format for all parts: time, level, part, message, then ``key=value`` fields."""

import logging
import sys
import time
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}


class FieldFormatter(logging.Formatter):
    """Formats a record as one line; what was passed as ``extra`` follows as ``key=value``."""

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        """Append the record's extra fields to its message."""
        line = super().formatMessage(record)
        extra: dict[str, Any] = {k: v for k, v in vars(record).items() if k not in _STANDARD}
        fields = " ".join(f"{k}={v}" for k, v in extra.items() if not k.startswith("_"))
        return f"{line} {fields}" if fields else line


def configure(level: int | str = logging.INFO) -> None:
    """Send all log records to stderr in Paidan's format. Calling it again changes the level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FieldFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # lists its plugins at every start
    # Remarks on an optional package at every start.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
