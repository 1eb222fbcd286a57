"""The review loop by file: export, fill in, correct. Only what a person wrote is a decision."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from db import Database, taxonomy, tickets
from db.export_row import EXPORT_COLUMNS
from db.models import Correction, Ticket
from paidan.cli.ticket_file import read_file
from producer.tickets.options import ReadOptions
from tests.support.answers import add_version, answer_next, correct
from tests.support.cli import Cli, write
from tests.support.make import UNITS, add_tickets, add_units, new_ticket

A, B, C = UNITS.values()


@pytest.fixture(autouse=True)
def _world(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_DATABASE_URL", database.url.render_as_string(hide_password=False))
    add_units(database)
    add_version(database, "v")


@pytest.fixture
def answered(database: Database) -> None:
    """t1 routed to A by the model, t2 in review (B), t3 decided by li (C), t4 queued."""
    add_tickets(database, 4)
    answer_next(database, "A")
    answer_next(database, "B", "doubtful")
    correct(database, answer_next(database, "B", "doubtful"), "C")


def stored(database: Database) -> list[tuple[str, str | None, str, str]]:
    """What people decided: ticket, unit, how, who."""
    query = (
        select(Ticket.external_id, Correction.to_unit, Correction.how, Correction.actor)
        .join(Correction, Correction.ticket_id == Ticket.id)
        .order_by(Correction.id)
    )
    with database.reading() as session:
        return [tuple(row) for row in session.execute(query)]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def fill_in(path: Path, units: dict[str, str]) -> None:
    """Write units into an exported table as a spreadsheet would save it."""
    rows = read(path)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, "unit": units.get(row["external_id"], "")})


@pytest.mark.usefixtures("answered")
def test_a_partly_filled_export_enters_what_was_filled_in(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "review.csv"
    assert cli("export", file).code == 0
    fill_in(file, {"t1": B, "t2": B, "t4": "待定"})

    ran = cli("correct", file, "--by", "zhang")

    assert ran.code == 0, ran.err
    assert ran.out == "corrected 1, confirmed 1, decided before 0, not decided 2, refused 0\n"
    assert stored(database)[1:] == [
        ("t1", "B", "correct", "zhang"),
        ("t2", "B", "confirm", "zhang"),
    ]


@pytest.mark.usefixtures("answered")
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_an_untouched_export_holds_no_decision_whatever_column_is_mapped(
    cli: Cli, database: Database, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"all{suffix}"
    cli("export", file)
    before = stored(database)

    plain = cli("correct", file)
    for column in EXPORT_COLUMNS:
        if column != "unit":
            ran = cli("correct", file, "--column", f"unit={column.upper()}")
            assert (ran.code, ran.out) == (1, "")
            assert "no person's decision" in ran.err

    assert (plain.code, "not decided 4" in plain.out) == (0, True)
    assert stored(database) == before


@pytest.mark.usefixtures("answered")
def test_a_model_s_answer_under_another_column_s_name_is_no_decision(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    cli("export", tmp_path / "all.csv")
    renamed = (tmp_path / "all.csv").read_text("utf-8-sig").replace("final_unit", "单位", 1)
    file = write(tmp_path / "renamed.csv", renamed)
    before = stored(database)

    ran = cli("correct", file, "--column", "unit=单位", "--by", "zhang")

    assert ran.code == 0
    assert "confirmed 0, decided before 1, not decided 2, refused 0" in ran.out
    assert "1 rows repeat the unit to which the model routed" in ran.out
    assert stored(database) == before


@pytest.mark.usefixtures("answered")
def test_who_looked_at_all_rows_confirms_what_the_model_routed(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    cli("export", tmp_path / "all.csv")

    ran = cli("correct", tmp_path / "all.csv", "--column", "unit=final_unit", "--confirm")

    assert "corrected 0, confirmed 1, decided before 1, not decided 2" in ran.out
    assert stored(database)[1:] == [("t1", "A", "confirm", "cli")]


@pytest.mark.usefixtures("answered")
def test_a_unit_merged_since_the_answer_is_no_correction(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    with database.writing() as session:
        merged = taxonomy.UnitRecord("A", A, status="merged", merged_into="B")
        taxonomy.import_units(session, [merged], actor="test")
    file = write(tmp_path / "x.csv", f"external_id,unit\nt1,{A}\nt1,{B}\n")

    ran = cli("correct", file)

    assert "corrected 0, confirmed 0" in ran.out
    assert "2 rows repeat" in ran.out


@pytest.mark.usefixtures("answered")
def test_a_change_of_another_person_s_decision_is_told(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    file = write(tmp_path / "x.csv", f"external_id,unit\nt3,{A}\nt3,{B}\n")

    ran = cli("correct", file, "--by", "zhang")

    assert ran.code == 0
    assert f"changed: {file}, line 2: li had decided {C}, now zhang says {A}" in ran.err
    assert ran.err.count("changed:") == 1  # the second time she changes her own
    assert "decisions of other people changed: 1" in ran.out
    assert [who for *_, who in stored(database)] == ["li", "zhang", "zhang"]


@pytest.mark.usefixtures("answered")
def test_a_filled_in_workbook_is_read_back(cli: Cli, database: Database, tmp_path: Path) -> None:
    file = tmp_path / "review.xlsx"
    assert cli("export", file, "--status", "review").code == 0
    book = load_workbook(file)
    sheet = book.active
    assert sheet is not None
    header, row = sheet.iter_rows()
    [cell] = [cell for name, cell in zip(header, row, strict=True) if name.value == "unit"]
    cell.value = A
    book.save(file)

    ran = cli("correct", file, "--by", "zhang")

    assert ran.out.startswith("corrected 1, confirmed 0"), ran.err
    assert stored(database)[1:] == [("t2", "A", "correct", "zhang")]


IDS = ["=1+1", "-12", "+86", "'=x", "=x", "@a", "＝1", "'a", "0012", "12345678901234567890"]


@pytest.mark.parametrize(("suffix", "raw"), [(".csv", ()), (".csv", ("--raw",)), (".jsonl", ())])
def test_ids_that_look_like_formulas_come_back(
    cli: Cli, database: Database, tmp_path: Path, suffix: str, raw: tuple[str, ...]
) -> None:
    with database.writing() as session:
        tickets.insert(session, [new_ticket(external_id=name, source="-s") for name in IDS])
    file = tmp_path / f"all{suffix}"
    cli("export", file, *raw)
    if suffix == ".csv":
        rows = read(file)
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows({**row, "unit": A} for row in rows)
    else:
        lines = [json.loads(line) | {"unit": A} for line in file.read_text("utf-8").splitlines()]
        write(file, "".join(json.dumps(line) + "\n" for line in lines))

    ran = cli("correct", file)

    assert ran.code == 0, ran.err
    assert [decided[0] for decided in stored(database)] == IDS
    pushed = [ticket for _, ticket in read_file(file, ReadOptions(), None)]
    assert [getattr(ticket, "external_id", ticket) for ticket in pushed] == IDS
    assert {getattr(ticket, "source", None) for ticket in pushed} == {"-s"}


def test_an_id_is_found_in_a_table_of_which_only_two_columns_were_kept(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    with database.writing() as session:
        tickets.insert(
            session, [new_ticket(external_id=name) for name in ("-12", "=x", "'=x", "'a")]
        )
    file = write(tmp_path / "x.csv", f"external_id,unit\n'-12,{A}\n'=x,{A}\n'a,{A}\n")

    ran = cli("correct", file)

    assert [decided[0] for decided in stored(database)] == ["-12", "'a"]
    assert (ran.code, "keep the export's column 'escaped'" in ran.err) == (3, True)


def test_ids_that_a_spreadsheet_changed_are_mended_or_refused_as_in_a_push(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    with database.writing() as session:
        ids = ("000123", "20260301001")
        tickets.insert(session, [new_ticket(external_id=name) for name in ids])
    content = f'external_id,unit\n"=""000123""",{A}\n20260301001.0,{A}\n2.02603E+15,{A}\n'

    ran = cli("correct", write(tmp_path / "x.csv", content))

    assert (ran.code, [decided[0] for decided in stored(database)]) == (3, list(ids))
    assert "2.02603E+15" in ran.err
    assert "no ticket" not in ran.err


def test_a_file_that_cannot_hold_decisions_is_refused(cli: Cli, tmp_path: Path) -> None:
    for content, problem in (
        ("external_id,status\nt1,x\n", "no column 'unit' among 'external_id', 'status'"),
        ("id,unit\nt1,x\n", "no column 'external_id' among 'id', 'unit'"),
        ("external_id,unit\n", "there is no row in it"),
    ):
        ran = cli("correct", write(tmp_path / "x.csv", content))

        assert (ran.code, ran.out) == (1, "")
        assert problem in ran.err


@pytest.mark.usefixtures("answered")
def test_a_damaged_row_is_refused_and_the_rest_goes_on(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    lines: list[dict[str, Any]] = [
        {"external_id": "t1\x00", "unit": B},
        {"external_id": "t\ud800", "unit": B},
        {"external_id": "t1", "unit": "丁局\x00"},
        {"unit": B},
        {"external_id": "t1"},
        {"external_id": "t1", "unit": B},
    ]
    lines = [lines[-1], *lines[:-1]]
    file = write(tmp_path / "x.jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    ran = cli("correct", file)

    assert ran.code == 3
    assert ran.out.startswith(
        "corrected 1, confirmed 0, decided before 0, not decided 1, refused 4"
    )
    assert [decided[:2] for decided in stored(database)[1:]] == [("t1", "B")]


@pytest.mark.usefixtures("answered")
def test_a_wrong_field_or_person_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", f"external_id,unit\nt1,{B}\n")

    assert "there is no field 'body'" in cli("correct", file, "--column", "body=x").err
    assert cli("correct", file, "--by", "x" * 201).code == 2
    assert cli("correct", file, "--by", " ").code == 2


@pytest.mark.usefixtures("answered")
def test_an_export_is_filtered_by_local_days_and_by_all_options_together(
    cli: Cli, database: Database
) -> None:
    with database.writing() as session:  # half past midnight on 1 March in Shanghai
        submitted = datetime(2026, 2, 28, 16, 30, tzinfo=UTC)
        session.execute(update(Ticket).values(submitted_at=submitted))

    def exported(*options: str) -> list[str]:
        lines = cli("export", "-", *options).out.splitlines()
        return [json.loads(line)["external_id"] for line in lines]

    everything = ["t1", "t2", "t3", "t4"]
    assert exported("--since", "2026-03-01", "--until", "2026-03-01") == everything
    assert exported("--since", "2026-03-02") == exported("--until", "2026-02-28") == []
    assert exported("--until", "2026-03-01T00:30") == []
    assert exported("--until", "2026-02-28T16:30:00.001Z") == everything
    assert exported("--status", "review", "--status", "queued") == ["t2", "t4"]
    assert exported("--held-back", "doubtful", "--status", "routed", "--unit", C) == ["t3"]
    assert exported("--source", "elsewhere") == []


def test_an_export_refuses_a_filter_that_names_nothing(cli: Cli) -> None:
    assert cli("export", "-", "--since", "yesterday").code == 2
    assert cli("export", "-", "--until", "9999-12-31").code == 2
    assert cli("export", "-", "--status", "open").code == 2
    assert cli("export", "-", "--unit", "丁局").code == 1
