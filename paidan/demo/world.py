"""The demo's city: as it is when the first model learns, and as it is a year later.

Later, callers use other words, complain about matters that were unknown, and call for a unit that
did not exist.
"""

import zlib
from collections.abc import Iterator
from itertools import islice

from paidan.sample.generator import SampleTicket, generate
from paidan.sample.shift import shifted

NEW_UNIT = "U013"
"""The unit that is founded after the first training."""
NEW_MATTERS = 0.3
"""The share of matters that nobody complained about before."""
LATER = 1_000_000
"""Where the later tickets begin in the stream of synthetic ones."""


def tickets_before(count: int) -> list[SampleTicket]:
    """Return labelled tickets of the old days."""
    stream = generate(LATER)
    return list(islice((one for one in stream if not _is_new(one)), count))


def tickets_later(count: int, after: int = 0) -> Iterator[SampleTicket]:
    """Yield tickets of a year later, from the ``after``-th on."""
    return map(shifted, generate(count, start=LATER + after))


def _is_new(ticket: SampleTicket) -> bool:
    matter = str(ticket.meta["matter"])
    return ticket.unit == NEW_UNIT or zlib.crc32(matter.encode()) < NEW_MATTERS * 2**32
