"""A real worker answers while units are merged, split, retired, added and renamed under it."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.publisher import Publisher
from core.settings import Settings
from db import Database, corrections, returns
from db.models import Classification, Ticket
from db.taxonomy import UnitRecord
from producer import Submitter
from tests.support.make import UNITS, add_units, new_ticket, promote_constant
from tests.support.processes import relay, wait_until, worker
from tests.support.units import load

pytestmark = pytest.mark.kill

EACH = 40
A, B, C = (UnitRecord(code, name) for code, name in UNITS.items())


class World:
    """Tickets that go to a worker, and where they are then."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.submitter = Submitter(database, Publisher(settings), ())
        self.sent = 0

    def submit(self, count: int = EACH) -> list[int]:
        new = [new_ticket(n) for n in range(self.sent, self.sent + count)]
        self.sent += count
        return list(self.submitter.submit(new).ids)

    def answer(self, count: int = EACH) -> dict[tuple[str, str, str | None], int]:
        """Submit tickets; return (status, answered unit, why held back) of them, counted."""
        ids = self.submit(count)
        wait_until(lambda: not self.queued(), 60, "all is answered")
        return self.outcomes(ids)

    def queued(self) -> int:
        with self.database.reading() as session:
            query = select(func.count()).where(Ticket.status == "queued")
            return session.scalar(query) or 0

    def outcomes(self, ids: list[int]) -> dict[tuple[str, str, str | None], int]:
        shown = Ticket.status, Classification.unit_code, Classification.held_back
        query = (
            select(*shown, func.count())
            .join(Classification, Classification.ticket_id == Ticket.id)
            .where(Ticket.id.in_(ids), Classification.round == Ticket.round)
            .group_by(*shown)
        )
        with self.database.reading() as session:
            return {(row[0], row[1], row[2]): row[3] for row in session.execute(query)}


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)  # it answers A
    return World(database, settings)


def gone(unit: UnitRecord, **values: object) -> UnitRecord:
    return UnitRecord(unit.code, unit.name, status="retired", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # tests/db has both
def test_a_worker_follows_each_change_of_the_units(
    world: World, database: Database, settings: Settings, tmp_path: Path
) -> None:
    with worker(settings, tmp_path / "worker.log"):
        assert world.answer() == {("routed", "A", None): EACH}

        load(database, UnitRecord("A", "甲局（新名）"))
        assert world.answer() == {("routed", "A", None): EACH}

        parts = UnitRecord("D", "丁局"), UnitRecord("E", "戊局")
        load(database, *parts, gone(A, split_into=("D", "E")))
        assert world.answer() == {("review", "D", "gone"): EACH}

        load(database, UnitRecord("E", "戊局", status="merged", merged_into="D"))
        assert world.answer() == {("routed", "D", None): EACH}

        load(database, gone(A))
        assert world.answer() == {("review", "B", "gone"): EACH}

        load(database, UnitRecord("A", UNITS["A"], status="merged", merged_into="C"))
        assert world.answer() == {("routed", "C", None): EACH}

        load(database, A)
        assert world.answer() == {("routed", "A", None): EACH}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # tests/db has both
def test_a_worker_that_starts_after_a_split_answers(
    world: World, database: Database, settings: Settings, tmp_path: Path
) -> None:
    load(
        database,
        UnitRecord("D", "丁局"),
        UnitRecord("E", "戊局"),
        gone(A, split_into=("D", "E")),
    )

    with worker(settings, tmp_path / "worker.log"):
        assert world.answer() == {("review", "D", "gone"): EACH}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # tests/db has both
def test_a_returned_ticket_is_answered_without_its_unit_and_with_the_units_of_now(
    world: World, database: Database, settings: Settings, tmp_path: Path
) -> None:
    with worker(settings, tmp_path / "worker.log"), relay(settings, tmp_path / "relay.log"):
        [ticket, *_] = ids = world.submit(2)
        wait_until(lambda: not world.queued(), 60, "both are answered")
        load(database, UnitRecord("B", UNITS["B"], status="merged", merged_into="C"))

        with database.writing() as session:
            row = corrections.find_ticket(session, "file", "t0")
            assert row is not None
            assert returns.return_ticket(session, row, "甲局", "x", actor="li").status == "queued"
        wait_until(lambda: not world.queued(), 60, "the relay brings it and it is answered")

    assert world.outcomes([ticket]) == {("routed", "C", None): 1}
    assert world.outcomes(ids[1:]) == {("routed", "A", None): 1}


def test_units_that_change_while_tickets_are_under_way_lose_none(
    world: World, database: Database, settings: Settings, tmp_path: Path
) -> None:
    ids: list[int] = []
    changes = (
        (UnitRecord("D", "丁局"), UnitRecord("E", "戊局"), gone(A, split_into=("D", "E"))),
        (UnitRecord("B", UNITS["B"], status="merged", merged_into="C"), UnitRecord("F", "己局")),
        (A, gone(C), B),
        (gone(A), C),
        (A,),
    )
    with worker(settings, tmp_path / "worker.log"), relay(settings, tmp_path / "relay.log"):
        for change in changes * 3:
            ids += world.submit(200)
            load(database, *change)
            ids += world.submit(200)
        wait_until(lambda: not world.queued(), 120, "all is answered")

    found = world.outcomes(ids)
    assert sum(found.values()) == len(ids)
    assert {(status, why) for status, _, why in found} <= {("routed", None), ("review", "gone")}
    assert {unit for status, unit, _ in found if status == "routed"} == {"A"}
    assert {unit for _, unit, _ in found} <= {"A", "B", "C", "D", "E", "F"}
