"""A card that a run has in turn: as long as its lease counts, once all workers have let go."""

import pytest
from sqlalchemy import update

from db import Database, cards, clock, runs, workers
from db.claims import new_token
from db.models import Ticket, Worker
from db.run_tables import Run
from tests.support.make import add_tickets

CARD = "0: a card"


def lease(database: Database, *, takes_card: bool = True, device: str = CARD) -> Run:
    token = new_token()
    with database.writing() as session:
        runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        given = {"token": token, "holder": "t", "device": device, "seconds": 60.0}
        assert runs.lease(session, **given, takes_card=takes_card)  # type: ignore[arg-type]
        run = runs.find(session, token)
    assert run is not None
    return run


def lent_to(database: Database, place: str | None = CARD) -> int | None:
    with database.reading() as session:
        return cards.lent_to(session, place)


def start(database: Database, name: str, device: str = CARD, lent_to: int | None = None) -> None:
    with database.writing() as session:
        workers.started(session, name=name, pid=1, device=device)
        given = {"model_version": None, "classified": 0, "progress_age": None}
        workers.beat(session, name=name, lent_to=lent_to, **given)  # type: ignore[arg-type]


def test_a_card_is_a_runs_while_its_lease_counts(database: Database) -> None:
    assert lent_to(database) is None

    run = lease(database)

    assert lent_to(database) == run.id
    assert lent_to(database, "1: another") is None
    assert lent_to(database, None) is None
    with database.writing() as session:
        session.execute(update(Run).values(lease_until=clock.after(-1)))
    assert lent_to(database) is None


@pytest.mark.parametrize("how", ["end", "hand back", "die"])
def test_it_is_given_back_with_the_lease(database: Database, how: str) -> None:
    run = lease(database)
    assert run.lease_token is not None

    with database.writing() as session:
        if how == "end":
            runs.end(session, run.lease_token, runs.RunState.DONE)
        elif how == "hand back":
            runs.hand_back(session, run.lease_token)
        else:
            runs.die(session, run.lease_token, "x")

    assert lent_to(database) is None
    with database.reading() as session:
        assert session.get_one(Run, run.id).takes_card is False


def test_a_run_that_shares_the_card_takes_it_from_nobody(database: Database) -> None:
    lease(database, takes_card=False)

    assert lent_to(database) is None


def test_workers_keep_a_card_until_they_let_go_or_are_dead(database: Database) -> None:
    run = lease(database)
    start(database, "keeps it")
    start(database, "let go", lent_to=run.id)
    start(database, "let go of it for another run", lent_to=run.id + 1)
    start(database, "elsewhere", device="1: another")
    for name, change in (
        ("dead", {"heartbeat_at": clock.after(-60)}),
        ("stopped", {"stopped_at": clock.now()}),
    ):
        start(database, name)
        with database.writing() as session:
            session.execute(update(Worker).where(Worker.name == name).values(**change))

    with database.reading() as session:
        found = cards.keepers(session, run, 5)

    assert found == ["keeps it", "let go of it for another run"]


def test_the_oldest_live_ticket_that_waits_is_told(database: Database) -> None:
    add_tickets(database, 3)
    with database.reading() as session:
        assert cards.live_wait(session) == 0

    with database.writing() as session:
        session.execute(
            update(Ticket).where(Ticket.id < 3).values(lane="live", queued_at=clock.after(-90))
        )
    with database.reading() as session:
        assert 89 < cards.live_wait(session) < 120

    with database.writing() as session:
        session.execute(update(Ticket).values(status="review"))
    with database.reading() as session:
        assert cards.live_wait(session) == 0
