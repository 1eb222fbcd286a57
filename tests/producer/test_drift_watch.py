"""The drift watch: an hour between two looks, an event and a log line when a measure crosses."""

import io

import pytest
from sqlalchemy import func, select

from core.publisher import Publisher
from core.settings import Settings
from db import Database, drift, versions
from db.models import Event
from producer import drift_watch
from producer.drift_watch import DriftWatch
from producer.relay import Relay
from tests.support.answers import add_version, answer_all
from tests.support.make import add_more_tickets, add_units


@pytest.fixture
def drifted(database: Database) -> None:
    """A champion that answered A, and answers B now."""
    add_units(database)
    add_version(database, "v")
    with database.writing() as session:
        versions.promote(session, "v", actor="test")
    for unit in "AB":
        add_more_tickets(database, drift.WINDOW)
        for _ in range(drift.WINDOW // 250):
            answer_all(database, [(unit, 0.9, None)] * 250)


def crossings(database: Database) -> int | None:
    with database.reading() as session:
        return session.scalar(select(func.count()).where(Event.kind == drift.CROSSED))


def test_without_enough_answers_nothing_is_recorded(database: Database) -> None:
    DriftWatch(database).look()

    assert crossings(database) == 0


@pytest.mark.usefixtures("drifted")
def test_a_crossing_is_recorded_and_logged_once_whoever_looks(
    database: Database, told: io.StringIO
) -> None:
    DriftWatch(database).look()
    DriftWatch(database).look()

    assert crossings(database) == 1
    assert told.getvalue().count("drift.crossed") == 1
    assert "unit mix" in told.getvalue()


@pytest.mark.usefixtures("drifted")
def test_the_relay_looks_at_once_and_then_not_before_an_hour_has_passed(
    database: Database,
    publisher: Publisher,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = Relay(database, publisher, settings)

    relay.sweep()
    assert crossings(database) == 1

    watch = DriftWatch(database)
    watch.look()
    assert not watch.is_due
    monkeypatch.setattr(drift_watch, "EVERY_S", 0.0)
    watch.look()
    assert watch.is_due
