"""Runs: leased once, taken over when their trainer dies, failed after three deaths."""

import threading

import pytest
from sqlalchemy import select, update

from core.errors import RecordRefusedError
from db import Database, clock, corrections, runs
from db.claims import new_token
from db.models import Event, Ticket
from db.run_tables import Run, RunState
from db.runs import Lease
from tests.support.make import add_tickets, add_units
from tests.support.returns import return_ticket


def ask(database: Database, asked_for: str = runs.HAND) -> int:
    with database.writing() as session:
        return runs.ask(session, "linear", {"seed": "x"}, asked_for=asked_for, actor="ann")


def lease(database: Database, holder: str = "t", device: str = "cpu") -> Lease | None:
    with database.writing() as session:
        return runs.lease(session, token=new_token(), holder=holder, device=device, seconds=60)


def leased(database: Database, holder: str = "t", device: str = "cpu") -> Lease:
    held = lease(database, holder, device)
    assert held is not None
    return held


def run_of(database: Database, run_id: int) -> Run:
    with database.reading() as session:
        return session.get_one(Run, run_id)


def let_expire(database: Database) -> None:
    with database.writing() as session:
        session.execute(update(Run).values(lease_until=clock.after(-1)))


def test_the_oldest_run_is_leased_first_and_once(database: Database) -> None:
    first, second = ask(database), ask(database)

    held, other = leased(database, "a", "gpu 0"), leased(database, "b", "gpu 1")

    assert (held.run_id, other.run_id, lease(database, "c", "gpu 2")) == (first, second, None)
    run = run_of(database, first)
    assert (run.state, run.holder, run.device, run.attempts) == ("running", "a", "gpu 0", 1)
    assert run.started_at is not None


def test_a_token_leads_to_its_run_again(database: Database) -> None:
    ask(database), ask(database)
    held = leased(database)

    with database.writing() as session:
        again = runs.lease(session, token=held.token, holder="t", device="cpu", seconds=600)

    assert again == held
    assert run_of(database, held.run_id).attempts == 1
    with database.reading() as session:  # and the lease is as long as if it were new
        assert session.scalar(select(Run.id).where(Run.lease_until > clock.after(500))) == 1


def test_a_device_gets_one_run_at_a_time(database: Database) -> None:
    ask(database), ask(database)
    held = leased(database, "a")

    assert lease(database, "b") is None
    with database.writing() as session:
        runs.end(session, held.token, RunState.DONE)
    assert lease(database, "b") is not None


def test_the_database_itself_refuses_two_runs_on_a_device(database: Database) -> None:
    ask(database), ask(database)

    with pytest.raises(RecordRefusedError), database.writing() as session:
        session.execute(update(Run).values(state="running", device="gpu 0"))


def test_of_many_trainers_at_once_one_gets_the_run(database: Database) -> None:
    ask(database)
    got: list[Lease | None] = []
    ready = threading.Barrier(4)

    def take(number: int) -> None:
        ready.wait()
        got.append(lease(database, f"t{number}", f"gpu {number}"))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 4
    assert sum(held is not None for held in got) == 1


def test_a_heartbeat_prolongs_a_lease_that_counts_and_no_other(database: Database) -> None:
    ask(database)
    held = leased(database)
    let_expire(database)

    with database.writing() as session:
        run = runs.beat(session, held.token, seconds=60)
        assert run is not None
    with database.writing() as session:
        assert runs.free_expired(session) == []
        assert runs.beat(session, new_token(), seconds=60) is None


def test_an_expired_run_is_taken_over_and_its_old_trainer_counts_no_more(
    database: Database,
) -> None:
    run_id = ask(database)
    held = leased(database, "a")
    let_expire(database)

    with database.writing() as session:
        assert runs.free_expired(session) == [run_id]
        assert runs.free_expired(session) == []
    again = leased(database, "b")

    assert (again.run_id, again.attempt) == (run_id, 2)
    with database.writing() as session:
        assert runs.beat(session, held.token, seconds=60) is None
        assert not runs.end(session, held.token, RunState.DONE)
        assert not runs.note(session, held.token, version="late")
    assert run_of(database, run_id).holder == "b"


def test_a_restarted_trainer_frees_its_own_runs_alone(database: Database) -> None:
    first, second = ask(database), ask(database)
    leased(database, "a", "gpu 0"), leased(database, "b", "gpu 1")

    with database.writing() as session:
        assert runs.free_of_holder(session, "a") == [first]

    assert run_of(database, first).state == RunState.QUEUED
    assert run_of(database, second).state == RunState.RUNNING


def test_three_deaths_without_a_checkpoint_between_fail_a_run(database: Database) -> None:
    run_id = ask(database)
    for _ in range(2):
        held = leased(database)
        with database.writing() as session:
            runs.die(session, held.token, "signal 9")
    # A checkpoint: it gets on, so what was before counts no more
    held = leased(database)
    with database.writing() as session:
        assert runs.checkpointed(session, held.token, 20, "/folder")
        runs.die(session, held.token, "signal 9")
    assert run_of(database, run_id).state == RunState.QUEUED

    for _ in range(2):
        held = leased(database)
        with database.writing() as session:
            runs.die(session, held.token, "signal 9")

    run = run_of(database, run_id)
    assert (run.state, run.deaths, run.attempts, run.checkpoint_step) == ("failed", 3, 5, 20)
    assert run.error == "it died 3 times without getting on; the last time, signal 9"
    assert run.ended_at is not None
    assert lease(database) is None
    with database.reading() as session:
        told = session.scalars(select(Event).where(Event.kind == "run.died")).all()
    assert [event.data["state"] for event in told] == ["queued"] * 4 + ["failed"]


def test_a_run_handed_back_waits_again_without_a_death(database: Database) -> None:
    run_id = ask(database)
    held = leased(database)

    with database.writing() as session:
        runs.hand_back(session, held.token)

    run = run_of(database, run_id)
    assert (run.state, run.deaths, run.lease_token, run.ended_at) == ("queued", 0, None, None)


def test_a_run_is_cancelled_at_once_where_it_waits(database: Database) -> None:
    run_id = ask(database)

    with database.writing() as session:
        assert runs.cancel(session, run_id, actor="ann") == "queued"

    run = run_of(database, run_id)
    assert (run.state, run.cancelled_by) == ("cancelled", "ann")
    assert run.ended_at is not None
    assert lease(database) is None


@pytest.mark.parametrize("how", ["expiry", "stop", "death"])
def test_a_run_that_is_to_be_cancelled_never_waits_again(database: Database, how: str) -> None:
    # Given a run at work whose trainer is told with its next heartbeat
    run_id = ask(database)
    held = leased(database)
    with database.writing() as session:
        assert runs.cancel(session, run_id, actor="ann") == "running"
    with database.writing() as session:
        told = runs.beat(session, held.token, seconds=60)
        assert told is not None
        assert told.cancelled_by == "ann"

    # When the trainer does not come to end it
    let_expire(database)
    with database.writing() as session:
        if how == "expiry":
            runs.free_expired(session)
        elif how == "stop":
            runs.hand_back(session, held.token)
        else:
            runs.die(session, held.token, "signal 9")

    run = run_of(database, run_id)
    assert (run.state, run.error) == ("cancelled", None)
    assert run.ended_at is not None


def test_a_second_cancelling_changes_nothing_and_is_no_event(database: Database) -> None:
    run_id = ask(database)
    leased(database)

    for actor in ("ann", "bob"):
        with database.writing() as session:
            assert runs.cancel(session, run_id, actor=actor) == "running"

    assert run_of(database, run_id).cancelled_by == "ann"
    with database.reading() as session:
        assert len(session.query(Event).where(Event.kind == "run.cancelled").all()) == 1


def test_a_run_that_fails_after_it_was_cancelled_is_cancelled(database: Database) -> None:
    run_id = ask(database)
    held = leased(database)

    with database.writing() as session:
        runs.cancel(session, run_id, actor="ann")
        assert runs.end(session, held.token, RunState.FAILED, error="full")

    run = run_of(database, run_id)
    assert (run.state, run.lease_token) == ("cancelled", None)


def test_what_has_ended_is_not_cancelled(database: Database) -> None:
    run_id = ask(database)
    held = leased(database)
    with database.writing() as session:
        runs.end(session, held.token, RunState.DONE, version=None)

    with database.writing() as session:
        assert runs.cancel(session, run_id, actor="ann") == "done"
        assert runs.cancel(session, 99, actor="ann") is None

    assert run_of(database, run_id).cancelled_by is None


def test_decisions_are_counted_from_when_the_last_run_was_asked_for(database: Database) -> None:
    add_units(database)
    tickets = add_tickets(database, 3)

    def decide(ticket_id: int) -> None:
        with database.writing() as session:
            corrections.decide(session, session.get_one(Ticket, ticket_id), "A", actor="ann")

    decide(tickets[0])
    ask(database)
    decide(tickets[1]), decide(tickets[2])
    with database.writing() as session:
        assert return_ticket(session, tickets[2], 0, actor="unit")  # teaches nothing

    with database.reading() as session:
        last = runs.newest(session)
        assert last is not None
        assert runs.decisions_since(session, last.newest_decision) == 2
        assert runs.decisions_since(session, 0) == 3


def test_whoever_asks_alone_sees_what_was_asked_before(database: Database) -> None:
    ready, asked = threading.Barrier(3), list[int]()

    def ask_once() -> None:
        ready.wait()
        with database.writing() as session:
            runs.ask_alone(session)
            if not runs.is_under_way(session):
                asked.append(
                    runs.ask(session, "linear", {}, asked_for=runs.DECISIONS, actor="trainer")
                )

    threads = [threading.Thread(target=ask_once) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.reading() as session:
        assert [run.id for run in runs.list_runs(session, limit=10)] == asked
    assert len(asked) == 1
