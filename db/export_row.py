"""A row of the export: one ticket, with what the model answered and who decided what."""

from collections.abc import Sequence
from typing import Any

from db.corrections import MODEL
from db.models import Classification, Correction, Status, Ticket
from db.provenance import BLIND
from db.unit_index import UnitIndex

# ``unit`` is always empty: people fill it in, so it stands beside what they read.
UNIT, DECIDED_BY = "unit", "decided_by"
# Columns of conformal sets, by how often these hold the right unit.
SETS = {"set_90": "0.9", "set_95": "0.95"}
EXPORT_COLUMNS = (
    "source",
    "external_id",
    "title",
    "text",
    "status",
    "predicted_unit",
    "confidence",
    UNIT,
    "final_unit",
    "unit_now",
    DECIDED_BY,
    "asked",
    "returned_by",
    "return_reasons",
    "top_k",
    *SETS,
    "held_back",
    "degraded",
    "given_unit",
    "model",
    "calibration",
    "lane",
    "round",
    "received_at",
    "submitted_at",
    "classified_at",
    "decided_at",
    "dead_reason",
    "erased_at",
    "meta",
)


def export_row(
    index: UnitIndex,
    ticket: Ticket,
    answer: Classification | None,
    decision: Correction | None,
    returned: Sequence[tuple[str, str]] | None,
    *,
    blind: bool = False,
) -> dict[str, Any]:
    """Return a ticket's row, with the columns ``EXPORT_COLUMNS``.

    Args:
        index: all units, for their names.
        ticket: the ticket.
        answer: the newest one in its present round.
        decision: a person's last one in its present round.
        returned: (unit code, reason) of each return, oldest first.
        blind: whether a person is to decide it who is told no unit.
    """
    columns = dict.fromkeys(EXPORT_COLUMNS) | _ticket_columns(ticket)
    if not blind:
        columns |= _unit_columns(index, ticket, decision)
    return (
        columns
        | _returned_columns(index, returned)
        | _answer_columns(index, ticket, answer, blind=blind)
    )


def _ticket_columns(ticket: Ticket) -> dict[str, Any]:
    return {
        "source": ticket.source,
        "external_id": ticket.external_id,
        "title": ticket.title,
        "text": ticket.text,
        "status": ticket.status,
        "given_unit": ticket.given_unit,
        "lane": ticket.lane,
        "round": ticket.round,
        "received_at": ticket.received_at,
        "submitted_at": ticket.submitted_at,
        "decided_at": ticket.decided_at,
        "dead_reason": ticket.dead_reason,
        "erased_at": ticket.erased_at,
        "meta": ticket.meta or None,
    }


def _unit_columns(index: UnitIndex, ticket: Ticket, decision: Correction | None) -> dict[str, Any]:
    """Return who has the ticket, who decided so and why they were asked."""
    columns: dict[str, Any] = {"asked": decision.asked if decision else None}
    if ticket.unit_code is not None:
        unit = index.units[ticket.unit_code]
        columns |= {"final_unit": unit.name, DECIDED_BY: decision.actor if decision else MODEL}
        if unit.status != "active":
            columns["unit_now"] = [there.name for there in index.stands_now(unit.code)]
    return columns


def _returned_columns(
    index: UnitIndex, returned: Sequence[tuple[str, str]] | None
) -> dict[str, Any]:
    """Return who gave the ticket back, and why."""
    if not returned:
        return {}
    return {
        "returned_by": _names(index, [code for code, _ in returned]),
        "return_reasons": [reason for _, reason in returned],
    }


def _answer_columns(
    index: UnitIndex, ticket: Ticket, answer: Classification | None, *, blind: bool
) -> dict[str, Any]:
    """Return what a model answered; of a ticket that a person is to decide blind, no unit."""
    if answer is None:
        return {}
    columns: dict[str, Any] = {
        "held_back": answer.held_back,
        "degraded": answer.degraded,
        "model": answer.model_version,
        "calibration": answer.calibration_id,
        "classified_at": answer.classified_at,
    }
    if blind or (answer.held_back in BLIND and ticket.status == Status.REVIEW):
        return columns
    sets = {column: (answer.sets or {}).get(level) for column, level in SETS.items()}
    return columns | {
        "predicted_unit": index.units[answer.unit_code].name,
        "confidence": round(answer.probability, 6),
        "top_k": [[*_names(index, [code]), p] for code, p in answer.top_k],
        **{column: _names(index, codes) for column, codes in sets.items() if codes is not None},
    }


def _names(index: UnitIndex, codes: Sequence[str]) -> list[str]:
    """Return units' names; of one that was removed, its code."""
    return [index.units[code].name if code in index.units else code for code in codes]
