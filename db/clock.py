"""The one clock: the database stamps and compares all times that processes of several hosts share.

A *stamp* is the time at which a row is written. On PostgreSQL it is ``clock_timestamp()``, so
neither a long transaction nor a wait for a lock shortens a claim.

A *limit* is what stamps are compared with. On PostgreSQL it is ``statement_timestamp()``. It stays
the same while a statement runs, so an index serves it. It is never later than the time at which a
row is read, so no claim ends early.

SQLite has one machine and one clock. Its times compare as text, so they keep the form of
``UtcDateTime``: six digits behind the second.

Inside a process ``time.monotonic()`` measures. No process' calendar reaches the record.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from db.types import UtcDateTime


def now() -> ColumnElement[datetime]:
    """Return the stamp of a row that is written now."""
    return _Stamp()


def after(seconds: float) -> ColumnElement[datetime]:
    """Return the stamp of a time so many seconds from now."""
    return _Stamp(literal(float(seconds)))


def ago(seconds: float) -> ColumnElement[datetime]:
    """Return a limit to compare stamps with: so many seconds ago, ahead of now if negative."""
    return _Limit(literal(-float(seconds)))


def age(stamp: Any) -> ColumnElement[float]:
    """Return how many seconds ago a stamp (a column, or an expression of one) was made."""
    return _Age(stamp)


class _Stamp(FunctionElement[datetime]):
    """The time at which a row is written, plus the seconds it is given."""

    inherit_cache = True
    type = UtcDateTime()


class _Limit(FunctionElement[datetime]):
    """The time at which a statement began, plus the seconds it is given."""

    inherit_cache = True
    type = UtcDateTime()


class _Age(FunctionElement[float]):
    """The seconds between a stamp and the time at which a statement began."""

    inherit_cache = True
    type = Float()


@compiles(_Stamp, "postgresql")
def _postgresql_stamp(element: _Stamp, compiler: SQLCompiler, **kw: Any) -> str:
    return _postgresql_moment("clock_timestamp()", element, compiler, **kw)


@compiles(_Limit, "postgresql")
def _postgresql_limit(element: _Limit, compiler: SQLCompiler, **kw: Any) -> str:
    return _postgresql_moment("statement_timestamp()", element, compiler, **kw)


def _postgresql_moment(
    moment: str, element: FunctionElement[datetime], compiler: SQLCompiler, **kw: Any
) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"({moment} + make_interval(secs => {seconds}))" if seconds else moment


@compiles(_Age, "postgresql")
def _postgresql_age(element: _Age, compiler: SQLCompiler, **kw: Any) -> str:
    stamp = compiler.process(element.clauses, **kw)
    return f"CAST(EXTRACT(EPOCH FROM statement_timestamp() - {stamp}) AS DOUBLE PRECISION)"


@compiles(_Stamp, "sqlite")
@compiles(_Limit, "sqlite")
def _sqlite_moment(element: FunctionElement[datetime], compiler: SQLCompiler, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    shift = f", {seconds} || ' seconds'" if seconds else ""
    # SQLite counts in milliseconds (%f); the zeros make them the six digits of UtcDateTime.
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now'{shift})"


@compiles(_Age, "sqlite")
def _sqlite_age(element: _Age, compiler: SQLCompiler, **kw: Any) -> str:
    stamp = compiler.process(element.clauses, **kw)
    return f"((julianday('now') - julianday({stamp})) * 86400.0)"
