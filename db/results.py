"""Results: a batch's classifications and its tickets' status, in one transaction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from db import clock
from db.models import Classification, Status, Ticket
from db.provenance import Asked
from db.upsert import insert_for

SAMPLED = Asked.SAMPLE.value  # held back to measure how right the sure answers are


@dataclass(frozen=True, slots=True)
class Result:
    """A model's answer to one claimed ticket.

    Parameters:
        held_back: why a person is asked; None where nobody is.
        sets: (level, unit codes, best first), see ``classifier.interface.Decision``.
    """

    ticket_id: int
    round: int
    unit: str
    probability: float
    top_k: Sequence[tuple[str, float]]
    held_back: str | None
    sets: Sequence[tuple[float, Sequence[str]]] = ()


def is_sampled(ticket_id: int, share: float) -> bool:
    """Whether a ticket is in the blind sample; its hash decides, in each run alike."""
    # No checksum: of ids that follow each other, CRC-32 takes far too many, or too few.
    drawn = hashlib.blake2b(f"sample:{ticket_id}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn) < share * 2**64


def store(
    session: Session,
    token: str,
    results: Sequence[Result],
    *,
    version: str,
    degraded: bool = False,
    calibration: int | None = None,
    review_sample: float = 0.0,
) -> list[int]:
    """Write the results of the tickets that are still claimed by ``token``; return their ids.

    A ticket whose claim expired may be another worker's by now: its row is left alone.

    Args:
        session: a writing session.
        token: of the claim.
        results: the answers.
        version: which model version answered.
        degraded: whether it answered in an LLM's place.
        calibration: by which one it decided; None for its own.
        review_sample: share of the sure answers to hold back.
    """
    mine = set(
        session.scalars(
            select(Ticket.id)
            .where(Ticket.id.in_([r.ticket_id for r in results]), Ticket.claim_token == token)
            .with_for_update()
        )
    )
    kept = [result for result in results if result.ticket_id in mine]
    if not kept:
        return []
    held_back = {r.ticket_id: r.held_back or _sampled(r, review_sample) for r in kept}
    same = {"model_version": version, "degraded": degraded, "calibration_id": calibration}
    _upsert(session, kept, held_back, review_sample, same)
    _close(session, kept, [i for i, why in held_back.items() if why is None])
    return [result.ticket_id for result in kept]


def _sampled(result: Result, share: float) -> str | None:
    return SAMPLED if is_sampled(result.ticket_id, share) else None


def _upsert(
    session: Session,
    results: Sequence[Result],
    held_back: dict[int, str | None],
    share: float,
    same: dict[str, Any],
) -> None:
    """Insert one classification a result, replacing the same version's of the same round.

    Args:
        session: a writing session.
        results: the answers.
        held_back: why each ticket (id) is held back, None where it is not.
        share: of the sure answers, in the blind sample.
        same: the columns that are the same for all.
    """
    statement = insert_for(session, Classification)
    replaced = (
        "unit_code",
        "probability",
        "top_k",
        "sets",
        "held_back",
        "inclusion",
        "degraded",
        "calibration_id",
        "classified_at",
    )
    statement = statement.on_conflict_do_update(
        index_elements=["ticket_id", "model_version", "round"],
        set_={name: statement.excluded[name] for name in replaced},
    )
    rows = [
        {
            "ticket_id": result.ticket_id,
            "round": result.round,
            "unit_code": result.unit,
            "probability": result.probability,
            "top_k": [list(pair) for pair in result.top_k],
            "sets": {f"{level:g}": list(codes) for level, codes in result.sets},
            "held_back": held_back[result.ticket_id],
            "inclusion": 1.0 if result.held_back else share,
            **same,
        }
        for result in results
    ]
    session.execute(statement, rows)


def _close(session: Session, results: Sequence[Result], routed: list[int]) -> None:
    """Set status and unit and free the claims; a ticket for review has no unit yet."""
    units: dict[str, list[int]] = {}
    decided = set(routed)
    for result in results:
        if result.ticket_id in decided:
            units.setdefault(result.unit, []).append(result.ticket_id)
    is_routed = Ticket.id.in_(routed)
    unit = case(*((Ticket.id.in_(ids), code) for code, ids in units.items())) if units else None
    session.execute(
        update(Ticket)
        .where(Ticket.id.in_([result.ticket_id for result in results]))
        .values(
            status=case((is_routed, Status.ROUTED.value), else_=Status.REVIEW.value),
            unit_code=unit,
            decided_at=case((is_routed, clock.now()), else_=None),
            claim_token=None,
            claimed_by=None,
            claimed_until=None,
        )
    )
