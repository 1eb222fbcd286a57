"""What a push says of rows that it took although something in them was unclear."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from core.settings import load_settings
from db import open_database
from db.models import Ticket
from tests.support.cli import Cli, write

TIMES = """external_id,text,received_at,due_at
1,路灯坏了,2026-3-1 9:30,2026/3/2 下午 3:05
2,井盖丢了,03/04/2026,04/03/2026
3,漏水,13/04/2026,-
4,停电,昨天,NULL
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "t.csv", TIMES)


def stored() -> dict[str, Ticket]:
    database = open_database(load_settings())
    with database.reading() as session:
        found = {ticket.external_id: ticket for ticket in session.scalars(select(Ticket))}
    database.engine.dispose()
    return found


def test_unclear_times_cost_no_ticket_and_are_told(cli: Cli, file: Path) -> None:
    ran = cli("push", file, "--json")

    assert ran.code == 0
    told = json.loads(ran.out)
    assert (told["added"], told["rejected"]) == (4, 0)
    assert sorted((n["rows"], n["first_lines"]) for n in told["notes"]) == [
        *((1, [3]), (1, [5]), (2, [3, 4])),
    ]
    assert f"warning: {file}, line 3, due_at: '04/03/2026' may name the day or the month" in ran.err
    assert "received_at may name the day or the month first (name its form with" in ran.err
    assert "(2 rows, lines 3, 4; line 3: '03/04/2026' may" in ran.err
    assert "received_at is no time Paidan reads" in ran.err
    tickets = stored()
    assert tickets["1"].received_at is not None
    assert tickets["2"].meta == {"received_at": "03/04/2026", "due_at": "04/03/2026"}
    assert tickets["4"].meta == {"received_at": "昨天"}


def test_a_named_format_reads_them(cli: Cli, file: Path) -> None:
    ran = cli("push", file, "--time-format", "%d/%m/%Y", "--json")

    assert [note["first_lines"] for note in json.loads(ran.out)["notes"]] == [[5]]
    received = stored()["2"].received_at
    assert received is not None
    assert received.isoformat() == "2026-04-02T16:00:00+00:00"


def test_strict_refuses_a_file_with_an_unclear_time(cli: Cli, file: Path) -> None:
    ran = cli("push", file, "--strict")

    assert ran.code == 1
    assert f"{file}, line 3, received_at: '03/04/2026' may name" in ran.err
    assert "3 bad rows in all" in ran.err
    assert stored() == {}


def test_a_malformed_format_is_refused_before_anything_is_read(cli: Cli, file: Path) -> None:
    ran = cli("push", file, "--time-format", "%d/%m")

    assert ran.code == 1
    assert "--time-format '%d/%m' names no year" in ran.err
    assert stored() == {}


def test_ids_that_a_spreadsheet_changed_are_mended_or_refused(cli: Cli, tmp_path: Path) -> None:
    text = 'external_id,text\n2.02603E+15,路灯\n"=""000123""",井盖\n20260301001.0,漏水\nNULL,停电\n'

    ran = cli("push", write(tmp_path / "ids.csv", text))

    assert ran.code == 3
    assert "line 2, external_id: '2.02603E+15' is no id any more" in ran.err
    assert {"000123", "20260301001"} < set(stored())
    assert "NULL" not in stored()
    assert ran.err.count("note: ") == 3


def test_a_named_column_that_is_not_there_stops_the_push(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "c.csv", "编号,诉求内客\n1,路灯\n")

    ran = cli("push", file, "--column", "external_id=编号", "--column", "text=诉求内容")

    assert ran.code == 1
    assert f"{file}, line 2: no column '诉求内容' among '编号', '诉求内客'" in ran.err
    assert "did you mean '诉求内客'?" in ran.err
    assert stored() == {}
