"""Outcomes: what becomes of a version that was judged, in the transaction that ends its run."""

import threading
import time

import pytest

from core.settings import Settings
from db import Database, draws, judgings, runs, shadow, versions
from db.claims import new_token
from db.draw_tables import Draw
from db.run_tables import Run
from tests.support.draws import ended_run, put_draw, register_pair
from tests.support.make import add_tickets, add_units
from training.gate.verdict import Finding, Verdict
from training.runs.comparison import Asking, Judgement
from training.runs.drawing import Disagreements
from training.runs.outcome import Outcome

SHADED = Settings(shadow=0.2)
PASSED = Verdict("v", "w", 1, ())
REFUSED = Verdict("v", "w", 1, (Finding("recent", passed=False, text="not better"),))


@pytest.fixture
def tickets(database: Database) -> list[int]:
    add_units(database)
    register_pair(database)
    return add_tickets(database, 3)


def enter(
    database: Database,
    verdict: Verdict,
    settings: Settings,
    drawn: list[int] | None = None,
    **values: object,
) -> Run:
    """Lease a run, enter what became of its version, and return it."""
    token = new_token()
    replaces = bool(values.pop("replaces", False))
    used, weak = values.pop("used", None), values.pop("weak", None)
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        held = runs.lease(session, token=token, holder="t", device="cpu", seconds=60)
        assert held is not None
        asking = Asking(run_id, 150, replaces)
        asked = Disagreements(tuple(drawn), 0.1, 30) if drawn else None
        judgement = Judgement(verdict, used, asked)  # type: ignore[arg-type]
        outcome = Outcome(run_id, "w", weak, judgement, asking)  # type: ignore[arg-type]
        assert outcome.enter(session, token, settings)
        assert not outcome.enter(session, token, settings)  # the run has ended
    with database.reading() as session:
        return session.get_one(Run, run_id)


def champion(database: Database) -> str | None:
    with database.reading() as session:
        return versions.champion(session)


def in_shadow(database: Database) -> tuple[str, float] | None:
    with database.reading() as session:
        now = shadow.current(session)
        return (now.version, now.share) if now else None


def test_what_passes_answers_and_never_enters_the_shadow(
    database: Database, tickets: list[int]
) -> None:
    run = enter(database, PASSED, SHADED)

    assert (run.state, champion(database)) == ("done", "w")
    assert in_shadow(database) is None


def test_what_waits_for_a_person_answers_in_the_shadow_until_it_is_promoted(
    database: Database, tickets: list[int]
) -> None:
    run = enter(database, PASSED, SHADED.model_copy(update={"promote": "ask"}))

    assert (run.state, champion(database)) == ("done", "v")
    assert in_shadow(database) == ("w", 0.2)

    with database.writing() as session:
        versions.promote(session, "w", actor="li")
    assert in_shadow(database) is None


def test_what_people_are_asked_about_waits_in_the_shadow_and_a_refusal_ends_it(
    database: Database, tickets: list[int]
) -> None:
    run = enter(database, REFUSED, SHADED, tickets)

    assert (run.state, champion(database)) == ("done", "v")
    assert in_shadow(database) == ("w", 0.2)
    with database.reading() as session:
        draw = draws.open_draw(session)
        assert draw is not None
        assert (draw.run_id, draw.champion, draw.share) == (run.id, "v", 0.1)
        assert draws.progress(session, draw).waiting == 3

    judged = enter(database, REFUSED, SHADED, used=draw.id)

    assert (judged.state, in_shadow(database)) == ("refused", None)
    with database.reading() as session:
        assert session.get_one(Draw, draw.id).judged_by == judged.id
        assert draws.open_draw(session) is None


def test_a_version_that_somebody_promoted_meanwhile_enters_no_shadow(
    database: Database, tickets: list[int]
) -> None:
    with database.writing() as session:
        versions.promote(session, "w", actor="li")

    run = enter(database, PASSED, SHADED.model_copy(update={"promote": "ask"}))

    assert (run.state, champion(database), in_shadow(database)) == ("done", "w", None)


def test_nothing_follows_where_somebody_cancelled_the_run_before(
    database: Database, tickets: list[int]
) -> None:
    token = new_token()
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        assert runs.lease(session, token=token, holder="t", device="cpu", seconds=60)
        session.get_one(Run, run_id).version = "w"
    with database.writing() as session:
        runs.cancel(session, run_id, actor="bob")
    drawn = Disagreements(tuple(tickets), 0.1, 30)
    outcome = Outcome(run_id, "w", None, Judgement(PASSED, None, drawn), Asking(run_id, 150))

    with database.writing() as session:
        assert outcome.enter(session, token, SHADED)

    with database.reading() as session:
        run = session.get_one(Run, run_id)
        assert (run.state, run.verdict, run.cancelled_by) == ("cancelled", None, "bob")
        assert draws.open_draw(session) is None
        assert versions.candidate(session) is None
    assert (champion(database), in_shadow(database)) == ("v", None)


@pytest.mark.parametrize("first", ["cancel", "enter"])
def test_whoever_comes_first_of_a_cancelling_and_an_outcome_counts(
    database: Database, tickets: list[int], first: str
) -> None:
    # Given a run that is cancelled in the very moment in which its outcome is entered
    token = new_token()
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        assert runs.lease(session, token=token, holder="t", device="cpu", seconds=60)
    outcome = Outcome(run_id, "w", None, Judgement(PASSED), Asking(run_id))
    began, told = threading.Event(), list[str | None]()

    def cancel() -> None:
        with database.writing() as session:
            told.append(runs.cancel(session, run_id, actor="bob"))
            began.set()
            time.sleep(0.05)

    def enter() -> None:
        with database.writing() as session:
            assert outcome.enter(session, token, Settings())
            began.set()
            time.sleep(0.05)

    order = [cancel, enter] if first == "cancel" else [enter, cancel]
    threads = [threading.Thread(target=one) for one in order]
    threads[0].start()
    assert began.wait(20)
    threads[1].start()
    for thread in threads:
        thread.join(20)

    # Then the second one sees what the first one did
    with database.reading() as session:
        state = session.get_one(Run, run_id).state
    expected = ("running", "cancelled", "v") if first == "cancel" else ("done", "done", "w")
    assert (told[0], state, champion(database)) == expected


def test_by_default_nothing_enters_the_shadow(database: Database, tickets: list[int]) -> None:
    enter(database, REFUSED, Settings(), tickets)

    assert in_shadow(database) is None


def test_a_refused_version_leaves_another_one_in_the_shadow(
    database: Database, tickets: list[int]
) -> None:
    register_pair(database, "x", "y")
    with database.writing() as session:
        shadow.start(session, "y", 0.5, actor="li")

    run = enter(database, REFUSED, SHADED)

    assert (run.state, in_shadow(database)) == ("refused", ("y", 0.5))


@pytest.mark.parametrize("replaces", [False, True])
def test_one_draw_asks_at_a_time_unless_a_person_wants_another(
    database: Database, tickets: list[int], replaces: bool
) -> None:
    other = ended_run(database, "w")
    put_draw(database, other, tickets[:1])

    run = enter(database, REFUSED, Settings(), tickets, replaces=replaces)

    assert run.state == ("done" if replaces else "refused")
    with database.reading() as session:
        draw = draws.open_draw(session)
        assert draw is not None
        assert draw.run_id == (run.id if replaces else other)


def test_nobody_is_asked_about_a_weak_version(database: Database, tickets: list[int]) -> None:
    run = enter(database, REFUSED, SHADED, tickets, weak="no better than a coin")

    assert (run.state, run.error) == ("refused", "it is weak: no better than a coin")
    with database.reading() as session:
        assert draws.open_draw(session) is None
        assert judgings.DRAW not in run.parameters


def test_a_verdict_about_another_champion_is_outdated(
    database: Database, tickets: list[int]
) -> None:
    for compared, outdated in (("v", False), ("x", True)):
        judgement = Judgement(Verdict(compared, "w", 1, ()))
        with database.reading() as session:
            assert Outcome(1, "w", None, judgement, Asking(1)).is_outdated(session) == outdated
    with database.reading() as session:
        assert Outcome(1, "w", None, None, Asking(1)).is_outdated(session)
        assert not Outcome(1, "v", None, None, Asking(1)).is_outdated(session)
