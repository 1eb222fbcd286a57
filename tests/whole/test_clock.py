"""One clock, the database's: processes whose own are off harm no ticket and tell nothing wrong."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from core.broker import queue_name
from core.publisher import Publisher
from core.settings import Settings
from db import Database, report, workers
from db.models import Event, Ticket
from producer.relay import Relay
from producer.submit import Submitter
from tests.support.make import add_tickets, let_wait, messages, new_ticket
from tests.support.processes import wait_until
from tests.support.recorder import Recorder
from tests.support.shifted import shifted
from worker.loop import ClaimLoop

LATE, AHEAD = -90.0, 3600.0


@pytest.fixture
def relay(database: Database, publisher: Publisher, settings: Settings) -> Relay:
    return Relay(database, publisher, settings.model_copy(update={"relay_sweep": 0.05}))


@pytest.mark.parametrize(("whose", "off"), [("worker", LATE), ("relay", AHEAD)])
def test_no_ticket_in_hand_is_freed_or_dead_where_a_clock_is_off(
    relay: Relay, loop: ClaimLoop, model: Recorder, database: Database, off: float, whose: str
) -> None:
    # Given a worker that answers while the relay sweeps as often as there are attempts, or more
    ids = add_tickets(database, 5)
    sweeps: list[int] = []

    def sweep(_texts: Sequence[str]) -> None:
        with shifted(off if whose == "relay" else 0):
            sweeps.extend(relay.sweep()["freed"] for _ in range(4))

    model.before = sweep

    # When its clock, or the relay's, is off
    with shifted(off if whose == "worker" else 0):
        assert loop.run(ids, "bulk") == 5

    # Then all are answered with the first attempt
    assert sweeps == [0] * 4
    with database.reading() as session:
        rows = session.scalars(select(Ticket)).all()
        assert {(row.status, row.attempts, row.solo) for row in rows} == {("routed", 1, False)}
        assert session.scalars(select(Event).where(Event.kind == "ticket.dead")).all() == []


@pytest.mark.parametrize(("whose", "off"), [("producer", AHEAD), ("relay", LATE)])
def test_the_relay_publishes_what_was_lost_where_a_clock_is_off(
    relay: Relay, database: Database, publisher: Publisher, off: float, whose: str
) -> None:
    with shifted(off if whose == "producer" else 0):
        ids = Submitter(database, publisher, ()).submit([new_ticket(n) for n in range(3)]).ids
    publisher.redis.delete(queue_name("bulk"))  # Redis lost it

    def sweeps() -> bool:
        with shifted(off if whose == "relay" else 0):
            return relay.sweep()["bulk"] == 3

    wait_until(sweeps, 20, "the lost message is published again")
    assert messages(publisher, "bulk") == [ids]


def test_the_relay_leaves_fresh_rows_of_a_producer_whose_clock_is_late(
    database: Database, publisher: Publisher, settings: Settings
) -> None:
    relay = Relay(database, publisher, settings.model_copy(update={"relay_sweep": 60.0}))
    with shifted(LATE):
        add_tickets(database, 3)

    assert relay.sweep()["bulk"] == 0


def test_rows_queued_before_the_databases_clock_was_set_back_are_published(
    relay: Relay, database: Database
) -> None:
    add_tickets(database, 3)
    let_wait(database, -3600)

    assert relay.sweep()["bulk"] == 3


@pytest.mark.parametrize(("whose", "off"), [("worker", LATE), ("reader", AHEAD)])
def test_states_rates_and_ages_are_told_by_the_databases_clock(
    loop: ClaimLoop, database: Database, whose: str, off: float
) -> None:
    # Given a worker that beats and has answered, and a ticket that waits since then
    with shifted(off if whose == "worker" else 0):
        with database.writing() as session:
            workers.started(session, name="w", pid=1, device="cpu")
        assert loop.run(add_tickets(database, 4), "bulk") == 4
        Submitter(database, Publisher(loop.settings), ()).submit([new_ticket(9)])

    # When somebody looks
    with shifted(off if whose == "reader" else 0), database.reading() as session:
        [worker] = workers.list_workers(session)
        alive = workers.is_alive(worker, heartbeat=15)
        view = report.overview(session)

    # Then the worker lives, its answers count, and nothing is an hour old or of the future
    assert alive
    assert view.classified_last_minute == 4
    assert 0 <= worker.heartbeat_age < 60
    assert view.oldest_queued_s is not None
    assert 0 <= view.oldest_queued_s < 60
