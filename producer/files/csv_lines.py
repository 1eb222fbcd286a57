"""Lines on their way into the csv module, which asks for one after the other."""

from collections import deque
from collections.abc import Iterator

from producer.files import rows
from producer.files.lines import Line

# A quoted field that goes on for more lines is a quote that nobody closed.
_MAX_RECORD_LINES = 2000


class RecordTooLongError(Exception):
    """A record has grown beyond what a record may be."""


class CsvLines:
    """Gives lines to the csv module and keeps those of the present record, to go back to.

    Attributes:
        record: the lines of the present record so far.
    """

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._put_back: deque[Line] = deque()
        self.record: list[Line] = []
        self._chars = 0

    def __iter__(self) -> "CsvLines":
        return self

    def __next__(self) -> str:
        line = self._put_back.popleft() if self._put_back else next(self._lines)
        self.record.append(line)
        self._chars += len(line.text)
        if line.cut or self.has_too_many or self._chars > rows.MAX_VALUE_CHARS:
            raise RecordTooLongError
        return line.text

    @property
    def has_too_many(self) -> bool:
        """Whether the present record has more lines than a record may have."""
        return len(self.record) > _MAX_RECORD_LINES

    def begin_record(self) -> None:
        """Forget the last record's lines."""
        self.record = []
        self._chars = 0

    def put_back(self, lines: list[Line]) -> None:
        """Take lines back, to be read again."""
        self._put_back.extendleft(reversed(lines))
