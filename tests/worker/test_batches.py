"""What a model is asked for claimed tickets."""

from dataclasses import replace

from sqlalchemy import update

from db import Database
from db.claims import Claim, ClaimedTicket
from db.models import Ticket
from tests.support.make import add_tickets, add_units
from tests.support.returns import return_ticket
from worker.batches import make_batch, split_live

ACTIVE = frozenset("ABC")
TICKET = ClaimedTicket(1, "漏水", "请打13900001234联系", 0, 10, "bulk")


def test_live_tickets_are_a_batch_of_their_own_under_the_same_claim() -> None:
    live = replace(TICKET, id=2, lane="live")

    parts = split_live(Claim("token", [TICKET, live]))

    assert [(part.token, part.ids) for part in parts.values()] == [("token", [2]), ("token", [1])]
    assert len(parts) == 2  # each by a token of its own


def test_a_claim_of_one_lane_is_one_batch_under_its_token() -> None:
    assert list(split_live(Claim("token", [TICKET]))) == ["token"]
    assert list(split_live(Claim("token", []))) == []


def test_a_batch_has_masked_texts_and_says_who_waits(database: Database) -> None:
    claim = Claim("token", [TICKET, replace(TICKET, lane="live", title=None)])

    batch = make_batch(database, claim, "its", ACTIVE)

    assert list(batch.texts) == ["漏水\n请打[电话]联系", "请打[电话]联系"]
    assert list(batch.allowed) == [ACTIVE, ACTIVE]
    assert (batch.token, batch.live) == ("its", [False, True])


def test_a_ticket_that_every_unit_has_returned_is_offered_all_of_them_again(
    database: Database,
) -> None:
    # Given a ticket that unit A returned, and two active units
    add_units(database)
    [only] = add_tickets(database, 1)
    claim = Claim("token", [replace(TICKET, id=only, round=1)])
    with database.writing() as session:
        session.execute(update(Ticket).values(status="routed", unit_code="A"))
        assert return_ticket(session, only, 0, actor="甲局")

    # Then it goes to the other one, and to A again where there is no other
    assert list(make_batch(database, claim, "t", frozenset("AB")).allowed) == [frozenset("B")]
    assert list(make_batch(database, claim, "t", frozenset("A")).allowed) == [frozenset("A")]
