"""How the rows of a file or of the stream are read as tickets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.broker import BULK


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read rows as tickets.

    Attributes:
        source: who sends them; external ids are unique within it.
        columns: field to column name, where they differ.
        lane: the lane of rows that name none.
        timezone: of times that name none.
        max_chars: longer tickets are refused.
        time_formats: ``strptime`` formats that go before those of ``producer.tickets.times``.
        strict: refuse a row for a time that cannot be read, instead of keeping it in meta.
    """

    source: str = "file"
    columns: Mapping[str, str] | None = None
    lane: str = BULK
    timezone: str = "Asia/Shanghai"
    max_chars: int = 50_000
    time_formats: Sequence[str] = ()
    strict: bool = False
