"""The table of where the demo's tickets went."""

import pytest

from db import Database
from paidan.demo.table import Share, print_table, read_shares, shortened
from tests.support.answers import add_version, answer_next
from tests.support.make import UNITS, add_tickets, add_units


@pytest.fixture(autouse=True)
def _answered(database: Database) -> None:
    add_units(database)
    add_version(database, "v")
    add_tickets(database, 3)
    answer_next(database, "B")
    answer_next(database, "A", held_back="doubtful")
    answer_next(database, "B")


def test_the_largest_share_stands_first(database: Database) -> None:
    with database.reading() as session:
        shares = read_shares(session, "file")

    assert [share.cells() for share in shares] == [
        (UNITS["B"], "2", "0.75", "0"),
        (UNITS["A"], "1", "0.75", "1"),
    ]


def test_what_does_not_fit_is_one_row() -> None:
    shares = [Share(str(n), [0.5, 0.7], n) for n in range(4)]

    *shown, rest = shortened(shares, rows=2)

    assert shown == shares[:2]
    assert rest.cells() == ("2 other units", "4", "0.60", "5")
    assert list(shortened(shares, rows=4)) == shares


def test_the_table_is_printed_on_standard_error(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.reading() as session:
        print_table(session, "file")

    out, err = capsys.readouterr()
    assert out == ""
    assert "Where the synthetic tickets went" in err
    assert UNITS["A"] in err
