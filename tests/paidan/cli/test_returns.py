"""``paidan return``: each row opens a round, says why it cannot, or was read before."""

import json
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from core.publisher import Publisher
from core.settings import Settings
from db import Database
from db.models import Ticket
from db.returned import return_reasons
from tests.support.answers import add_version, answer_all
from tests.support.cli import Cli, jsonl, write
from tests.support.make import add_tickets, add_units, messages


@pytest.fixture(autouse=True)
def _world(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tickets t1 to t4 are routed to A, t5 to B."""
    monkeypatch.setenv("PAIDAN_DATABASE_URL", database.url.render_as_string(hide_password=False))
    add_units(database)
    add_version(database, "v")
    add_tickets(database, 5)
    answer_all(database, [("A", 0.9, None)] * 4 + [("B", 0.9, None)])


def rounds(database: Database) -> list[int]:
    with database.reading() as session:
        return list(session.scalars(select(Ticket.round).order_by(Ticket.id)))


def test_rows_are_returned_refused_with_their_line_and_idempotent(
    database: Database, cli: Cli, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "returns.csv",
        "external_id,unit,reason\n"
        "t1,甲局,在乙局辖区\n"
        "t2,a,夜间施工归住建\n"
        "t5,甲局,不归我管\n"
        "t1,甲局,再退一次\n"
        "t9,甲局,不归我管\n"
        "t3,甲局,\n",
    )

    ran = cli("return", file, "--by", "li", "--rejects", tmp_path / "bad.jsonl")

    assert ran.code == 3
    assert (
        "returned 2 (to the next round 2, to a person 0), returned before 0, refused 4" in ran.out
    )
    assert f"{file}, line 4: the ticket is routed to '乙局', not to '甲局'" in ran.err
    assert f"{file}, line 5: the ticket stands in line 2 already: a unit returns it once" in ran.err
    assert f"{file}, line 6: no ticket 't9' of source 'file' is known" in ran.err
    assert f"{file}, line 7: the reason is missing" in ran.err
    bad = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text("utf-8").splitlines()]
    assert [(one["line"], one["row"]["reason"]) for one in bad] == [
        (4, "不归我管"),
        (5, "再退一次"),
        (6, "不归我管"),
        (7, ""),
    ]
    assert rounds(database) == [1, 1, 0, 0, 0]
    with database.reading() as session:
        assert return_reasons(session, [1]) == {1: [("A", "在乙局辖区")]}

    again = cli("return", file)

    assert (
        "returned 0 (to the next round 0, to a person 0), returned before 2, refused 4" in again.out
    )
    assert rounds(database) == [1, 1, 0, 0, 0]


def test_every_kind_of_file_is_read(database: Database, cli: Cli, tmp_path: Path) -> None:
    book = Workbook()
    for row in (("工单编号", "单位", "原因"), ("t1", "甲局", "不归我管")):
        book.active.append(row)
    book.save(tmp_path / "r.xlsx")
    columns = (
        "--column",
        "external_id=工单编号",
        "--column",
        "unit=单位",
        "--column",
        "reason=原因",
    )
    assert cli("return", tmp_path / "r.xlsx", *columns).code == 0

    lines = jsonl(tmp_path / "r.jsonl", {"external_id": "t2", "unit": "A", "reason": "不归我管"})
    assert cli("return", lines).code == 0

    assert rounds(database) == [1, 1, 0, 0, 0]


def test_a_second_return_goes_to_a_person(database: Database, cli: Cli, tmp_path: Path) -> None:
    first = jsonl(tmp_path / "1.jsonl", {"external_id": "t1", "unit": "A", "reason": "x"})
    second = jsonl(tmp_path / "2.jsonl", {"external_id": "t1", "unit": "B", "reason": "y"})
    cli("return", first)
    answer_all(database, [("B", 0.9, None)])

    assert "to a person 1" in cli("return", second).out
    assert '"returned": 1' in cli("status", "--json").out


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_returned_ticket_is_published_to_its_lane_or_left_to_the_relay(
    database: Database,
    settings: Settings,
    publisher: Publisher,
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = (
        jsonl(tmp_path / f"{n}.jsonl", {"external_id": f"t{n}", "unit": "A", "reason": "x"})
        for n in (1, 2)
    )
    left = cli("return", one)
    assert (left.code, "stored, and left to the relay" in left.err) == (0, True)

    monkeypatch.setenv("PAIDAN_REDIS_URL", str(settings.redis_url))
    assert cli("return", two).err == ""

    assert messages(publisher, "bulk") == [[2]]
    assert rounds(database)[:2] == [1, 1]


def test_an_unknown_field_or_an_empty_file_is_an_error(cli: Cli, tmp_path: Path) -> None:
    empty = write(tmp_path / "r.csv", "external_id,unit,reason\n")

    assert "there is no row in it" in cli("return", empty).err
    unknown = cli("return", empty, "--column", "why=原因").err
    assert "a return has the fields external_id, unit, source, reason" in unknown


def test_quality_tells_the_return_rate_of_each_unit(cli: Cli, tmp_path: Path) -> None:
    cli("return", jsonl(tmp_path / "r.jsonl", {"external_id": "t1", "unit": "A", "reason": "x"}))

    ran = cli("quality")

    assert "甲局 (returned 1 of 4, 25.0%)" in ran.out
    units = {unit["unit"]: unit for unit in json.loads(cli("quality", "--json").out)["units"]}
    assert (units["A"]["sent"], units["A"]["returned"], units["A"]["return_rate"]) == (4, 1, 0.25)
    assert (units["B"]["sent"], units["B"]["return_rate"]) == (1, 0)
