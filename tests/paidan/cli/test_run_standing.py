"""What ``paidan runs show`` tells of a version: whether it answers, in the shadow, asked blind."""

import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from core.settings import load_settings
from db import Database, open_database, shadow
from db.run_tables import Run
from paidan.cli.run_standing import describe_standing, standing_lines
from tests.support.answers import answer_all
from tests.support.cli import Cli, write
from tests.support.draws import ended_run, put_draw, register_pair
from tests.support.make import UNITS, add_tickets, add_units

REFUSED: dict[str, object] = {
    "champion": "v",
    "look": 1,
    "promoted": False,
    "findings": [
        {"check": "frozen", "passed": True, "text": "no worse", "cure": ""},
        {"check": "recent", "passed": False, "text": "not better", "cure": "ask people"},
    ],
}


@pytest.fixture
def record(home: Path) -> Database:
    database = open_database(load_settings())
    add_units(database)
    register_pair(database)
    return database


def drawn(record: Database) -> int:
    """A run about whose version people are asked: two routed tickets and a doubtful one."""
    add_tickets(record, 3)
    ids = answer_all(record, [("A", 0.9, None), ("A", 0.9, None), ("B", 0.4, "doubtful")])
    run_id = ended_run(record, "w", verdict=REFUSED)
    put_draw(record, run_id, ids)
    return run_id


def test_a_version_that_waits_is_told_with_the_verdict_and_what_to_do(
    cli: Cli, record: Database
) -> None:
    run_id = drawn(record)
    with record.writing() as session:
        shadow.start(session, "w", 0.2, actor="run")

    shown = cli("runs", "show", run_id).out.splitlines()

    assert "stands           candidate" in shown
    assert (
        "in the shadow    of 20% of the tickets 0 answered, 0 as the champion (paidan shadow list)"
        in shown
    )
    assert any(line.startswith("asked blind      of 3 disagreements 0 are") for line in shown)
    at = shown.index("the gate         refuses it against v (look 1)")
    assert shown[at + 1 :] == [
        "  refused, recent: not better. Ask people",
        "  passed, frozen: no worse",
    ]
    assert "w" in cli("models", "list").out
    assert "in the shadow (20% of tickets)" in cli("models", "list").out
    told = json.loads(cli("runs", "show", run_id, "--json").out)
    assert told["blind"] == {"answered": 0, "waiting": 3}
    assert told["shadow"] == {"share": 0.2, "answered": 0, "agreed": 0}


def test_the_champion_is_told_and_a_run_without_a_version_stands_nowhere(record: Database) -> None:
    with record.reading() as session:
        champion, none = (
            describe_standing(session, Run(id=9, version=name)) for name in ("v", None)
        )

    assert standing_lines(champion) == ["stands           champion"]
    assert standing_lines(none) == []


def test_people_answer_blind_by_file(cli: Cli, record: Database, tmp_path: Path) -> None:
    drawn(record)
    assert "blind      3 drawn: paidan export FILE --blind" in cli("status").out
    file = tmp_path / "blind.xlsx"
    assert cli("export", file, "--blind").code == 0
    sheet = load_workbook(file).active
    header = [cell.value for cell in sheet[1]]
    seen = {str(cell.value) for row in sheet.iter_rows(min_row=2) for cell in row}
    assert not seen & {*UNITS, *UNITS.values()}

    # A person fills in two rows, one of them with the unit to which the champion had routed it
    place = header.index("unit") + 1
    for row, unit in ((2, UNITS["A"]), (3, UNITS["B"])):
        sheet.cell(row, place).value = unit
    sheet.parent.save(file)
    ran = cli("correct", file, "--blind", "--by", "li")

    assert (ran.code, ran.err) == (0, "")
    assert "corrected 1, confirmed 1, decided before 0, not decided 1, refused 0" in ran.out
    assert "decided before 2" in cli("correct", file, "--blind").out
    assert json.loads(cli("status", "--json").out)["blind"] == 1


def test_what_was_not_drawn_is_not_answered_blind(
    cli: Cli, record: Database, tmp_path: Path
) -> None:
    drawn(record)
    add_tickets(record, 1, source="other")
    file = write(tmp_path / "b.csv", "external_id,unit,source\nt1,A,other\n")

    ran = cli("correct", file, "--blind")

    assert ran.code == 3
    assert "nobody is asked about this ticket blind" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [("correct", "--blind", "--confirm"), ("export", "--blind", "--unit", "A")],
)
def test_who_is_asked_blind_is_shown_no_answer_by_an_option(
    cli: Cli, record: Database, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = write(tmp_path / "b.csv", "external_id,unit\nt1,A\n")

    ran = cli(arguments[0], file, *arguments[1:])

    assert ran.code == 2
    assert "--blind" in ran.err


def test_a_run_is_judged_anew(cli: Cli, record: Database) -> None:
    run_id = drawn(record)

    ran = cli("runs", "judge", run_id, "--draw", "--by", "ann")

    assert "run 2 judges w anew: paidan runs show 2" in ran.out
    with record.reading() as session:
        run = session.get_one(Run, 2)
        assert (run.judges, run.actor, run.parameters) == (run_id, "ann", {"draw": True})
    assert "w (judged anew, of run 1)" in cli("runs", "list").out
    again = cli("runs", "judge", "2")
    assert again.code == 1
    assert "run 2 is queued: it has no version to judge" in again.err
    assert "there is no run 9" in cli("runs", "judge", "9").err
