"""The worker in the shadow: only while nothing waits, and harmless whatever it meets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from core.settings import Settings
from db import Database, shadow, tickets
from db.shadow_tables import ShadowAnswer
from db.taxonomy import UnitRecord
from registry import opening
from tests.support.calibrations import put_calibration
from tests.support.make import UNITS, add_tickets, new_ticket
from tests.support.record import statuses
from tests.support.recorder import Recorder
from tests.support.shadow import put_in_shadow, shadow_answers
from tests.support.units import load
from worker import version_loader
from worker.loop import ClaimLoop
from worker.shadowing import AT_ONCE, ShadowLoop


@pytest.fixture
def challenger(loop: ClaimLoop, database: Database, settings: Settings) -> str:
    return put_in_shadow(database, settings.resolved_models_dir)[1]


@pytest.fixture
def beside(loop: ClaimLoop, challenger: str) -> ShadowLoop:
    loop.resident.refresh()
    return ShadowLoop(loop.database, loop.resident, loop.settings)


def answered(loop: ClaimLoop, database: Database, count: int) -> list[int]:
    ids = add_tickets(database, count)
    loop.run(ids, "bulk")
    return ids


def recorded(loop: ClaimLoop, database: Database) -> Recorder:
    """Has a recorder loaded as what is in the shadow."""
    with database.reading() as session:
        current = shadow.current(session)
    assert current is not None
    classifier = opening.load_version(
        database, current.version, loop.settings.resolved_models_dir, loop.resident.loader.options
    )
    recorder = Recorder(classifier)
    loop.resident.loader.load = lambda *_: recorder  # type: ignore[method-assign]
    return recorder


def test_what_the_champion_answered_is_answered_in_the_shadow(
    loop: ClaimLoop, beside: ShadowLoop, database: Database
) -> None:
    ids = answered(loop, database, AT_ONCE + 3)

    assert beside.run() == AT_ONCE + 3

    assert shadow_answers(database) == [(i, "A", "B") for i in ids]
    assert statuses(database) == ["routed"] * len(ids)
    assert beside.run() == 0


def test_a_ticket_that_waits_goes_before_the_next_batch(
    loop: ClaimLoop, beside: ShadowLoop, database: Database
) -> None:
    # Given a ticket that comes while the shadow answers its first batch
    answered(loop, database, 2 * AT_ONCE)
    recorder = recorded(loop, database)

    def arrive(texts: Sequence[str]) -> None:
        del texts
        with database.writing() as session:
            tickets.insert(session, [new_ticket(999)])

    recorder.before = arrive

    # Then the shadow answers that batch and no more
    assert beside.run() == AT_ONCE
    assert beside.run() == 0
    assert len(recorder.batches) == 1


def test_a_version_that_fails_is_asked_no_more_and_no_ticket_twice(
    loop: ClaimLoop, beside: ShadowLoop, database: Database
) -> None:
    ids = answered(loop, database, AT_ONCE + 1)
    recorder = recorded(loop, database)

    def fail(texts: Sequence[str]) -> None:
        raise ValueError(texts[0])

    recorder.before = fail

    assert beside.run() == 0
    assert beside.run() == 0
    assert len(recorder.batches) == 1
    # Another process, after this one died of it, takes the others
    recorder.before = lambda texts: None
    fresh = ShadowLoop(database, loop.resident, loop.settings)
    assert fresh.run() == 1
    assert [row[2] for row in shadow_answers(database)] == [None] * AT_ONCE + ["B"]
    assert shadow_answers(database)[-1][0] == ids[-1]


def test_an_answer_that_is_no_allowed_unit_is_a_fault(
    loop: ClaimLoop, beside: ShadowLoop, database: Database
) -> None:
    answered(loop, database, 1)
    recorder = recorded(loop, database)
    classify = recorder.classify

    def elsewhere(texts: Sequence[str], allowed: Any, top_k: int = 5) -> Any:
        return [replace(one, unit="nowhere") for one in classify(texts, allowed, top_k)]

    recorder.classify = elsewhere  # type: ignore[method-assign]

    assert beside.run() == 0
    assert [row[2] for row in shadow_answers(database)] == [None]


def test_another_base_is_not_loaded_beside_the_champion_on_a_gpu(
    loop: ClaimLoop, beside: ShadowLoop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(loop, database, 1)
    monkeypatch.setattr(version_loader.VersionLoader, "needs_gpu_alone", lambda *_: True)

    assert beside.run() == 0
    assert shadow_answers(database) == []


def test_with_nothing_in_the_shadow_the_version_is_let_go(
    loop: ClaimLoop, beside: ShadowLoop, database: Database
) -> None:
    answered(loop, database, 1)
    assert beside.run() == 1
    with database.writing() as session:
        shadow.stop(session, actor="me")

    assert beside.run() == 0
    assert beside._classifier is None


def test_it_decides_by_the_calibration_in_force(
    loop: ClaimLoop, beside: ShadowLoop, database: Database, challenger: str
) -> None:
    put_calibration(database, challenger, threshold=2.0)
    answered(loop, database, 1)

    assert beside.run() == 1

    with database.reading() as session:
        assert session.scalars(select(ShadowAnswer.held_back)).all() == ["doubtful"]


def test_told_to_stop_it_begins_nothing(
    loop: ClaimLoop, challenger: str, database: Database
) -> None:
    loop.resident.refresh()
    answered(loop, database, 1)

    assert ShadowLoop(database, loop.resident, loop.settings, lambda: True).run() == 0


def test_what_it_would_give_to_a_unit_that_was_split_is_held_back_as_the_champions_is(
    loop: ClaimLoop, beside: ShadowLoop, database: Database
) -> None:
    [ticket] = answered(loop, database, 1)
    split = UnitRecord("B", UNITS["B"], status="retired", split_into=("D", "E"))
    load(database, UnitRecord("D", "丁局"), UnitRecord("E", "戊局"), split)
    loop.resident.refresh()

    assert beside.run() == 1

    assert shadow_answers(database) == [(ticket, "A", "D")]
    with database.reading() as session:
        assert session.scalars(select(ShadowAnswer.held_back)).all() == ["gone"]
