"""Where the header of a table stands: exports put a title, a date or blank lines above it."""

from collections.abc import Collection, Sequence
from typing import Any

from producer.files.cells import is_empty
from producer.files.column_names import column_key, is_known_word

# The header is looked for in so many records that are not blank.
HEADER_RECORDS = 20


def find_header(records: Sequence[Sequence[Any]], used: Collection[str]) -> int:
    """Return the index of the header among a table's first records that are not blank.

    A title fills few cells; the header is the first record with a known column name, else the
    first that fills more than half of what the fullest record fills.
    """
    counts = [sum(not is_empty(cell) for cell in record) for record in records]
    wanted = {column_key(name) for name in used}
    above = 0  # the fullest record before
    for index, (record, count) in enumerate(zip(records, counts, strict=True)):
        if above > max(1, count // 2):
            break
        names = [str(cell) for cell in record if not is_empty(cell)]
        if any(column_key(name) in wanted for name in names):
            return index
        if count > 1 and sum(map(is_known_word, names)) * 2 >= count:
            return index
        above = max(above, count)
    fullest = max(counts, default=0)
    return next((i for i, count in enumerate(counts) if count * 2 > fullest), 0)
