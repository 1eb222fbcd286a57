"""The best champion so far: known from the verdicts, and only if it was champion."""

from typing import Any

import pytest

from db import Database, runs, versions
from db.best_champion import best_before
from db.run_tables import Run
from tests.support.answers import add_version


def verdict(champion: tuple[str, int], challenger: tuple[str, int]) -> dict[str, Any]:
    """The gate's, of 100 frozen tickets of which the two answer so many right."""
    both = min(champion[1], challenger[1])
    finding = {
        "check": "frozen",
        "tickets": 100,
        "both": both,
        "lost": champion[1] - both,
        "gained": challenger[1] - both,
    }
    return {"champion": champion[0], "challenger": challenger[0], "findings": [finding]}


def add_verdict(database: Database, found: dict[str, Any]) -> None:
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        session.get_one(Run, run_id).verdict = found


@pytest.fixture
def champions(database: Database) -> Database:
    """First a, then b, then c; d never was."""
    for name in "abcd":
        add_version(database, name)
    with database.writing() as session:
        for name in "abc":
            versions.promote(session, name, actor="me")
    return database


def best(database: Database, champion: str) -> str | None:
    with database.reading() as session:
        return best_before(session, champion)


def test_a_past_champion_that_was_more_often_right_is_the_best_so_far(champions: Database) -> None:
    add_verdict(champions, verdict(("a", 90), ("b", 92)))
    add_verdict(champions, verdict(("b", 92), ("c", 91)))

    assert best(champions, "c") == "b"
    assert best(champions, "b") is None


def test_the_newest_verdict_on_a_version_counts(champions: Database) -> None:
    add_verdict(champions, verdict(("a", 95), ("b", 92)))
    add_verdict(champions, verdict(("a", 80), ("c", 91)))

    assert best(champions, "c") == "b"


def test_a_champion_that_nobody_judged_is_held_to_the_best_past_one(champions: Database) -> None:
    # Given c, promoted by force
    add_verdict(champions, verdict(("a", 90), ("b", 92)))

    assert best(champions, "c") == "b"


def test_what_never_answered_is_no_champion(champions: Database) -> None:
    add_verdict(champions, verdict(("c", 90), ("d", 99)))

    assert best(champions, "c") is None


def test_without_verdicts_nothing_is_known(champions: Database) -> None:
    assert best(champions, "c") is None
    add_verdict(champions, {"champion": "c", "challenger": "d", "findings": []})
    assert best(champions, "c") is None
