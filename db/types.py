"""Column types that behave the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

BigId = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")
# Here None is NULL, not JSON's null.
OptionalJson = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

_NO_DEADLINE = datetime(9999, 12, 31, tzinfo=UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: aware datetimes in and out, UTC in the database. Naive ones are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; SQLite stores no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time zone is missing on {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Deadline(UtcDateTime):
    """A time that may be absent, stored as the end of time.

    A NULL sorts first on SQLite and last on PostgreSQL; a stored maximum sorts last on both, so one
    plain index serves the claim's order.
    """

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store None as the end of time."""
        return super().process_bind_param(value or _NO_DEADLINE, dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the end of time back as None."""
        time = super().process_result_value(value, dialect)
        return None if time == _NO_DEADLINE else time
