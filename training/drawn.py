"""Which decided tickets may calibrate a version: those drawn by chance that it has not learned."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.text import model_text
from db import taxonomy
from db.blind_sample import BY_CHANCE, Decided, read_sample
from training.samples import Sample

EARLIER, GONE = "earlier", "gone"
"""Left out, though drawn: decided too early, or of a unit that is gone without a successor."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Decided tickets that stand for the stream, and how many others do not.

    Parameters:
        samples: the tickets, each unit under its present code.
        counts: how many of them the model was ``sure`` of, and how many it held ``doubtful``.
        left_out: how many decided tickets are not used: for their chance (``db.blind_sample``), as
            ``EARLIER`` or ``GONE``.
        waiting: tickets that were drawn and wait for a decision.
        unseen: tickets that are drawn now and were routed unseen, for the share was smaller then.
    """

    samples: Sequence[Sample]
    counts: Mapping[str, int]
    left_out: Mapping[str, int]
    waiting: int
    unseen: int


def drawn_samples(session: Session, share: float, since: datetime) -> Drawn:
    """Return the tickets of the blind sample that people decided since a time.

    The other decided tickets are like no stream: people saw them because the model doubted, or
    because somebody came upon its mistake.

    Args:
        session: a session.
        share: of all tickets, in the blind sample.
        since: what was decided before is left out. A version may have learned what was decided
            before it was made.
    """
    found = read_sample(session, share, since)
    codes = taxonomy.resolve(session, {ticket.unit for ticket in found.decided}, alike=False)

    def why_not(ticket: Decided) -> str | None:
        if ticket.decided_at < since:
            return EARLIER
        if ticket.chance not in BY_CHANCE:
            return ticket.chance
        return None if ticket.unit in codes else GONE

    reasons = [why_not(ticket) for ticket in found.decided]
    pairs = zip(found.decided, reasons, strict=True)
    used = [ticket for ticket, reason in pairs if reason is None]
    return Drawn(
        samples=[Sample(model_text(one.title, one.text), codes[one.unit]) for one in used],
        counts=Counter(ticket.chance for ticket in used),
        left_out=Counter(reason for reason in reasons if reason is not None),
        waiting=found.waiting,
        unseen=found.unseen,
    )
