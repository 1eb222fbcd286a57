"""Erasing a ticket: its text is gone, its ids and what was decided stay."""

from sqlalchemy import select

from db import Database, claims, corrections, report, tickets
from db.export import export_rows
from db.models import Correction, Event, Status, Ticket
from db.tickets import NewTicket
from tests.support.answers import erase, whole_record
from tests.support.make import claim_batch, let_wait, new_ticket
from tests.support.private import PERSONAL, marks_in
from tests.support.recorder import Recorder
from training.replay import corrected_samples
from worker.loop import ClaimLoop

SAYING = {**PERSONAL, "external_id": "t1"}  # the id stays


def insert(database: Database, *new: NewTicket) -> list[int]:
    with database.writing() as session:
        return tickets.insert(session, new).all_ids


def test_an_erased_ticket_keeps_its_ids_and_what_was_decided_and_teaches_nothing(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    # Given a ticket that was answered and corrected
    ids = insert(database, new_ticket(1, **SAYING), new_ticket(2))
    loop.run(ids, "bulk")
    with database.writing() as session:
        for number in (1, 2):
            ticket = corrections.find_ticket(session, "file", f"t{number}")
            assert ticket is not None
            corrections.decide(session, ticket, "B", actor="zhang")
    assert marks_in(whole_record(database)) != []

    # When it is erased, twice
    assert (erase(database), erase(database)) == (True, False)

    # Then nothing of what it said is left, and what was decided is
    assert marks_in(whole_record(database)) == []
    with database.reading() as session:
        row = session.scalars(select(Ticket).where(Ticket.external_id == "t1")).one()
        assert (row.status, row.unit_code, row.text, row.meta) == (Status.ROUTED, "B", "", {})
        assert row.erased_at is not None
        assert len(session.scalars(select(Correction)).all()) == 2
        [event] = session.scalars(select(Event).where(Event.kind == "ticket.erased"))
        assert (event.ticket_id, event.actor, event.data) == (row.id, "officer", {})
        assert [sample.text for sample in corrected_samples(session)] == ["路灯坏了 2"]
    exported, other = export_rows(database)
    assert (exported["text"], exported["final_unit"], other["erased_at"]) == ("", "乙局", None)
    assert exported["erased_at"] is not None


def test_a_ticket_erased_while_a_model_reads_it_gets_no_answer_and_no_new_attempt(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    ids = insert(database, new_ticket(1, **SAYING), new_ticket(2))
    model.before = lambda texts: erase(database) and None

    loop.run(ids, "bulk")

    with database.reading() as session:
        rows = session.execute(select(Ticket.status, Ticket.unit_code).order_by(Ticket.id)).all()
        assert report.dead_tickets(session, limit=5) == []
    assert [tuple(row) for row in rows] == [(Status.DEAD, None), (Status.ROUTED, "A")]
    let_wait(database)
    assert claim_batch(database).tickets == []


def test_what_is_told_of_a_dead_ticket_is_erased_with_it(database: Database) -> None:
    insert(database, new_ticket(1, **SAYING))
    claim = claim_batch(database)
    with database.writing() as session:
        claims.fail_attempt(session, claim.token, claim.ids, reason="said 密", max_attempts=1)

    assert erase(database)

    assert marks_in(whole_record(database)) == []
    with database.reading() as session:
        [row] = session.scalars(select(Ticket))
    assert (row.status, row.dead_reason) == (Status.DEAD, "erased")
