"""People's decisions are entered and counted."""

from pathlib import Path

import pytest

from db import Database
from paidan.cli.decision_row import Decision
from paidan.cli.decisions import BEFORE, REPEATED, UNDECIDED, Decisions
from tests.support.answers import add_version, answer_next, erase
from tests.support.make import UNITS, add_tickets, add_units
from tests.support.record import statuses


@pytest.fixture
def decisions(database: Database) -> Decisions:
    """Two tickets, of which the first was routed to A."""
    add_units(database)
    add_version(database, "v")
    add_tickets(database, 2)
    answer_next(database, "A")
    return Decisions(database, Path("t.csv"), "file", "li", confirm=False)


def row(external_id: str, unit: str, line: int = 2) -> Decision:
    return Decision(line, "", external_id, unit, exact=True)


def test_each_row_counts_for_what_it_did(decisions: Decisions) -> None:
    for external_id, unit in (
        ("t1", "A"),
        ("t1", "B"),
        ("t1", UNITS["B"]),
        ("t2", ""),
        ("t2", "待定"),
    ):
        assert decisions.enter(row(external_id, unit)) is None

    assert decisions.counts == {REPEATED: 1, "correct": 1, BEFORE: 1, UNDECIDED: 2}


def test_what_names_no_unit_or_ticket_is_refused(decisions: Decisions) -> None:
    assert "unit '火星局' is unknown" in str(decisions.enter(row("t1", "火星局")))
    assert "no ticket 't9'" in str(decisions.enter(row("t9", "A")))
    assert "external_id is missing" in str(decisions.enter(row("", "A")))
    assert decisions.counts == {}


def test_an_erased_ticket_stays_closed(decisions: Decisions) -> None:
    erase(decisions.database, "t2")

    assert decisions.enter(row("t2", "A")) == (
        "the ticket was erased: there is nothing left to decide"
    )
    assert statuses(decisions.database) == ["routed", "dead"]


def test_another_persons_decision_that_changes_is_told(
    decisions: Decisions, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions.enter(row("t1", "B"))
    decisions.by = "wang"
    decisions.enter(row("t1", "C"))
    decisions.report(refused=0)

    out, err = capsys.readouterr()
    assert f"line 2: li had decided {UNITS['B']}, now wang says C" in err
    assert "decisions of other people changed: 1" in out
    assert "corrected 2, confirmed 0" in out


def test_rows_of_one_file_that_contradict_each_other_are_told(
    decisions: Decisions, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions.enter(row("t1", "A", line=2))  # as the model has it: no decision, but a word
    decisions.enter(row("t2", "C", line=3))
    decisions.enter(row("t1", UNITS["B"], line=4))
    decisions.enter(row("t2", UNITS["C"], line=5))  # the same unit
    decisions.report(refused=0)

    out, err = capsys.readouterr()
    assert err == (
        f"contradicted: t.csv, line 4: line 2 gives this ticket to A, now {UNITS['B']}\n"
    )
    assert "rows that contradict an earlier row of the file: 1; the last one" in out
