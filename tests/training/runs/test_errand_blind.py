"""The loop through people: a run draws disagreements, they answer blind, and a run judges by it."""

from pathlib import Path

import pytest
from sqlalchemy import select

from core.settings import Settings
from core.text import model_text
from db import Database, corrections, draws, runs, shadow, tickets, versions
from db.claims import new_token
from db.draw_tables import DrawnTicket
from db.models import Ticket
from db.provenance import Asked
from db.run_tables import Run
from db.tickets import NewTicket
from paidan.sample.generator import SampleTicket, generate
from tests.support.draws import ended_run, put_draw
from tests.support.make import add_tickets, add_units
from tests.support.training_runs import ask_for_run, run_of
from training.runs import comparison
from training.runs.errand import Errand
from training.runs.triggers import judge_where_due
from training.runs.workplace import Workplace
from training.samples import Sample
from worker.loop import ClaimLoop
from worker.resident import Resident

UNITS = ("U001", "U002", "U004", "U005", "U013", "U056")
FEW, MANY, STREAM = 360, 560, 700


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A shadow, and enough tickets that stay out of training; memory is not measured."""
    monkeypatch.setattr(comparison, "measure_peaks", lambda *_: (None, None))
    monkeypatch.setattr("training.gate.costs._SPARE_S", 0.0)
    monkeypatch.setattr("training.gate.costs._TICKETS", 20)
    return Settings(home=tmp_path / "home", heartbeat=0.1, recent_share=0.4, shadow=0.3)


def work_off(database: Database, settings: Settings, run_id: int) -> Run:
    token = new_token()
    with database.writing() as session:
        assert runs.lease(session, token=token, holder="t", device="cpu", seconds=60) is not None
    Errand(database, settings, run_id, token, Workplace(settings, run_id)).run()
    return run_of(database, run_id)


def answer(database: Database, settings: Settings, stream: list[SampleTicket]) -> dict[int, str]:
    """Have the champion answer a stream; return the true unit of each ticket."""
    new = [NewTicket(external_id=one.external_id, text=one.text, title=one.title) for one in stream]
    with database.writing() as session:
        ids = tickets.insert(session, new).all_ids
    resident = Resident(database, settings.resolved_models_dir)
    ClaimLoop(database, resident, settings, lambda ids: None, "w").run(ids, "bulk")
    return dict(zip(ids, (one.unit for one in stream), strict=True))


def answer_blind(database: Database, truth: dict[int, str]) -> None:
    with database.writing() as session:
        for ticket in session.scalars(select(DrawnTicket.ticket_id)).all():
            found = session.get_one(Ticket, ticket)
            unit, asked = truth[ticket], Asked.DISAGREEMENT
            corrections.decide(session, found, unit, actor="li", asked=asked)


def test_a_better_version_takes_over_once_people_have_answered_blind(
    database: Database, settings: Settings
) -> None:
    # Given a champion that learned few tickets, a stream it answered, and a run that learns many
    made = [ticket for ticket in generate(8_000) if ticket.unit in UNITS]
    labelled = [Sample(model_text(one.title, one.text), one.unit) for one in made[:MANY]]
    add_units(database, {code: code for code in UNITS})
    frozen = settings.model_copy(update={"frozen_share": 0.75})
    first = work_off(database, frozen, ask_for_run(database, settings, labelled[:FEW]))
    truth = answer(database, settings, made[MANY : MANY + STREAM])

    trained = work_off(database, settings, ask_for_run(database, settings, labelled))

    # Then nothing shows yet that it is better: it waits in the shadow, and people are asked
    assert trained.verdict is not None
    assert (trained.state, trained.verdict["promoted"]) == ("done", False), trained.verdict
    with database.reading() as session:
        assert versions.champion(session) == first.version
        assert versions.candidate(session) == trained.version
        unseen, draw = shadow.current(session), draws.open_draw(session)
        assert unseen is not None
        assert draw is not None
        assert (unseen.version, draw.run_id) == (trained.version, trained.id)

    # When they have answered, a run judges by that, and the version answers
    answer_blind(database, truth)
    run_id = judge_where_due(database, actor="trainer")
    assert run_id is not None
    judged = work_off(database, settings, run_id)

    assert judged.verdict is not None
    assert (judged.state, judged.verdict["look"]) == ("done", 2), judged.error
    [found] = [one for one in judged.verdict["findings"] if one["check"] == "recent"]
    assert "disagreements drawn at random and answered blind" in found["text"]
    assert found["passed"], found
    with database.reading() as session:
        assert versions.champion(session) == trained.version
        assert shadow.current(session) is None
        assert draws.open_draw(session) is None


def test_where_two_versions_hardly_differ_nobody_is_asked_and_the_verdict_says_so(
    database: Database, settings: Settings
) -> None:
    # Given a champion and a challenger that have learned the same, and no stream
    made = [ticket for ticket in generate(3_000) if ticket.unit in UNITS]
    labelled = [Sample(model_text(one.title, one.text), one.unit) for one in made[:FEW]]
    add_units(database, {code: code for code in UNITS})
    frozen = settings.model_copy(update={"frozen_share": 0.75})

    for state in ("done", "refused"):
        run = work_off(database, frozen, ask_for_run(database, settings, labelled))
        assert run.state == state

    assert run.verdict is not None
    [refused] = [one for one in run.verdict["findings"] if not one["passed"]]
    assert refused["check"] == "recent"
    assert refused["cure"] == (
        "people are not asked, for of 0 recent tickets that neither version has learned they "
        "answer 0 differently, and 20 are needed"
    )
    with database.reading() as session:
        assert draws.open_draw(session) is None
        assert shadow.current(session) is None


def test_a_run_whose_version_or_snapshot_is_gone_is_not_judged_anew(
    database: Database, settings: Settings
) -> None:
    add_units(database)
    with database.writing() as session:
        versions.register(session, name="v", kind="linear", manifest_sha256="0", metrics={})
        versions.promote(session, "v", actor="test")
    trained = ended_run(database, "w")
    put_draw(database, trained, add_tickets(database, 1))
    with database.writing() as session:
        drawn = session.scalars(select(Ticket.id)).one()
        found = session.get_one(Ticket, drawn)
        corrections.decide(session, found, "A", actor="li", asked=Asked.DISAGREEMENT)
    run_id = judge_where_due(database, actor="trainer")
    assert run_id is not None

    run = work_off(database, settings, run_id)

    assert run.state == "failed"
    assert "cannot be judged anew, for version w is gone: train another" in (run.error or "")
    assert run_of(database, trained).state == "done"
