"""Errors in words that quote no value: what logs, events and the record say of a fault.

An error's own text may quote whatever was at hand: redis-py quotes the command that failed,
PostgreSQL the row that it refused, a model its ticket. So that text is never told. A *signature*
tells the error's type, the server's code for it, the place in the code, and type and code of the
errors it came from.

The messages of our own errors are told whole. They are written for people and quote no ticket's
text. Only an ``InputError`` may quote one: it is told as a signature too.
"""

import errno
import re
import socket
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from types import CodeType, FrameType

from core.errors import InputError, PaidanError

_MAX_CHAIN = 5
_MAX_NAME_CHARS = 80
_NO_NAME = re.compile(r"[^\w.\-<>/]", re.ASCII)
_CODE = re.compile(r"[0-9A-Z_]{2,40}")
# First words of a Redis server's refusal. The words after it may quote the command.
_REDIS_CODE = re.compile(
    "ASK|BUSY|BUSYGROUP|BUSYKEY|CLUSTERDOWN|CROSSSLOT|ERR|EXECABORT|IOERR|LOADING|MASTERDOWN"
    "|MISCONF|MOVED|NOAUTH|NOGROUP|NOPERM|NOPROTO|NOREPLICAS|NOSCRIPT|OOM|READONLY|TRYAGAIN"
    "|UNBLOCKED|WRONGPASS|WRONGTYPE"
)
_ADDRESS_CODES = {int(getattr(socket, n)): n for n in dir(socket) if n.startswith("EAI_")}
# SQLite names a broken constraint in the schema's words: its name, or table.column.
_SQLITE_CONSTRAINT = re.compile(
    r"(?:CHECK|UNIQUE|NOT NULL|FOREIGN KEY) constraint failed(?:: [a-z0-9_., ]{1,200})?"
)


def describe(error: BaseException) -> str:
    """Return one line for a log or a message: our own error's text, or ``signature``."""
    if isinstance(error, PaidanError) and not isinstance(error, InputError):
        return str(error)
    return signature(error)


def signature(error: BaseException) -> str:
    """Return one line of ASCII without any value: type, code and place, then those of its causes.

    Every database can store it. For example:
    ``OperationalError (57P01) at psycopg/cursor.py:97 in execute, from AdminShutdown (57P01)``.
    """
    told = [_kind(fault) for fault in chain(error)]
    place = _place(error)
    first = f"{told[0]} at {place}" if place else told[0]
    return ", from ".join([first, *told[1:]])


def trace(error: BaseException) -> str:
    """Return the frames of an error and of those it came from, without their messages."""
    parts = []
    for fault in chain(error):
        frames = [
            f"  {_frame(f.f_code, line)}" for f, line in traceback.walk_tb(fault.__traceback__)
        ]
        parts.append("\n".join([_kind(fault), *frames]))
    return "\nfrom ".join(parts)


def hush(error: BaseException) -> None:
    """Replace the texts of an error and of those it came from by what ``signature`` tells of them.

    For errors that leave Paidan for a program whose logs are not ours.
    """
    for fault in chain(error):
        if not isinstance(fault, PaidanError):
            kind = _kind(fault)
            fault.args = (kind,)
            if isinstance(fault, OSError):  # its text is made of these
                fault.strerror = kind
                del fault.filename, fault.filename2


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what its driver raised below it, and what each of these came from."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen and len(seen) < _MAX_CHAIN:
        seen.add(id(following))
        yield following
        below = getattr(following, "orig", None)  # SQLAlchemy's name for the driver's error
        if isinstance(below, BaseException):
            following = below
        elif following.__cause__ is not None or following.__suppress_context__:
            following = following.__cause__
        else:
            following = following.__context__


def _kind(error: BaseException) -> str:
    """Return type and code; of a group, the types of its first members too."""
    name = plain(type(error).__name__)
    code = _code(error)
    if code:
        name = f"{name} ({code})"
    if isinstance(error, BaseExceptionGroup):
        members = ", ".join(plain(type(member).__name__) for member in error.exceptions[:3])
        name = f"{name} of {len(error.exceptions)}: {members}"
    return name


def _code(error: BaseException) -> str | None:
    """Return the code by which a server or the system names a fault, with no value."""
    sqlstate = getattr(error, "sqlstate", None)  # psycopg
    if _is_code(sqlstate):
        diag = getattr(error, "diag", None)
        names = (getattr(diag, f"{what}_name", None) for what in ("table", "column", "constraint"))
        return " ".join([str(sqlstate), *(plain(name) for name in names if name)])
    name = getattr(error, "sqlite_errorname", None)
    if _is_code(name):
        constraint = _SQLITE_CONSTRAINT.fullmatch(str(error))
        return f"{name}: {constraint[0]}" if constraint else str(name)
    word = redis_code(error)
    if word is not None:
        return word
    if isinstance(error, socket.gaierror):
        return _ADDRESS_CODES.get(error.errno or 0)
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, str(error.errno))
    return None


def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def redis_code(error: BaseException) -> str | None:
    """Return the first word of a Redis server's refusal, such as ``OOM`` or ``WRONGTYPE``."""
    if not type(error).__module__.startswith("redis."):
        return None
    # In a pipeline the command stands before the server's words.
    text = str(error.args[0]) if error.args else ""
    first = text.rpartition("caused error: ")[2].partition(" ")[0]
    words = (str(getattr(error, "status_code", None)), first)
    return next((word for word in words if _REDIS_CODE.fullmatch(word)), None)


def _place(error: BaseException) -> str:
    """Return the innermost frame, ``""`` for an error that was never raised."""
    frames = [*traceback.walk_tb(error.__traceback__)]
    return _frame(frames[-1][0].f_code, frames[-1][1]) if frames else ""


def place_of(frame: FrameType) -> str:
    """Return where a frame is, as ``file:line in function``."""
    return _frame(frame.f_code, frame.f_lineno)


def _frame(code: CodeType, line: int | None) -> str:
    return f"{short_path(code.co_filename)}:{line} in {plain(code.co_name)}"


def short_path(path: str) -> str:
    """Return the last two parts of a source file's path."""
    return plain("/".join(PurePath(path).parts[-2:]))


def plain(name: str) -> str:
    """Return a name from the code as short ASCII, so that any log and any database takes it."""
    return _NO_NAME.sub("?", name)[:_MAX_NAME_CHARS]
