"""The recent tickets out of which disagreements are drawn: none that either version has learned.

Whether a ticket is among them must not hang on whether people decided it: they decide what the
champion doubted, and without these tickets, or with these alone, an equal version would look worse,
or better. So what counts is the hash by which tickets stay out of training if they are decided, and
the time: what came after both versions were made, neither can have learned.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from core.text import model_text
from db import Database, draws, runs, versions
from db.draws import RecentTicket
from training.gate.tickets import text_hash
from training.near_duplicates import group_near_duplicates
from training.snapshot.division import draw
from training.snapshot.rows import LEARNED_PARTS
from training.snapshot.snapshot import Snapshot

NEWEST = 20_000
"""So many tickets are recent."""


class PoolTicket(NamedTuple):
    """A recent ticket that neither version has learned; ``text`` as ``core.text.model_text``."""

    id: int
    text: str


class Unlearned(NamedTuple):
    """By what a ticket shows that neither version can have learned it.

    Attributes:
        share: of texts that stays out of training, drawn by their hash; 0 where the champion was
            made without a snapshot and may have learned these, too.
        since: when the later of the two was made.
    """

    share: float
    since: datetime

    def holds(self, ticket: RecentTicket, digest: str) -> bool:
        """Whether it shows so for a ticket with this hash of its text."""
        return ticket.submitted_at > self.since or draw("recent", digest) < self.share


def read_pool(database: Database, snapshot: Snapshot, champion: str) -> list[PoolTicket]:
    """Return the newest tickets that neither version has learned, one of each group.

    Groups are those of near-duplicates, among themselves and with what was learned: one ticket
    that may have been learned takes its whole group out. That can take minutes, in which the
    database would end an idle transaction: so it is done once all is read.

    Args:
        database: the record.
        snapshot: which the challenger has learned.
        champion: the version that answers now.
    """
    with database.reading() as session:
        made = versions.get_version(session, champion).created_at
        is_known = runs.has_made(session, champion)
        tickets = draws.recent_tickets(session, NEWEST)
    share = snapshot.manifest.settings.get("recent_share")
    if not isinstance(share, float) or not is_known:
        share = 0.0
    return _pool(tickets, Unlearned(share, max(made, snapshot.manifest.created_at)), snapshot)


def _pool(tickets: Sequence[RecentTicket], rule: Unlearned, snapshot: Snapshot) -> list[PoolTicket]:
    texts = [model_text(ticket.title, ticket.text) for ticket in tickets]
    taught = [row.text for part in LEARNED_PARTS for row in snapshot.parts[part]]
    numbers = group_near_duplicates([*texts, *taught]).tolist()
    spoilt = set(numbers[len(texts) :])
    groups: dict[int, PoolTicket] = {}
    for ticket, text, number in zip(tickets, texts, numbers, strict=False):
        digest = text_hash(text)
        if digest in snapshot.learned_before or not rule.holds(ticket, digest):
            spoilt.add(number)
        groups.setdefault(number, PoolTicket(ticket.id, text))
    return [one for number, one in groups.items() if number not in spoilt]
