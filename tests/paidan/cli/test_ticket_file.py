"""A file of tickets is read; what is wrong names the file."""

from pathlib import Path

import pytest

from core.errors import InputError
from db.tickets import NewTicket
from paidan.cli.ticket_file import read_file
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Reject
from tests.support.cli import write


def test_each_row_comes_with_its_line_as_a_ticket_or_a_reject(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "external_id,text\n1,路灯坏了\n2,\n")

    (first, ticket), (second, reject) = read_file(file, ReadOptions(), None)

    assert (first, second) == (2, 3)
    assert isinstance(ticket, NewTicket)
    assert isinstance(reject, Reject)


def test_an_escaped_table_comes_back_as_it_was(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "external_id,text,escaped\n'=1,'=2+3,external_id text\n")

    [(_, ticket)] = read_file(file, ReadOptions(), None)

    assert isinstance(ticket, NewTicket)
    assert (ticket.external_id, ticket.text) == ("=1", "=2+3")


@pytest.mark.parametrize(
    ("content", "columns", "told"),
    [
        ("external_id,text\n", {}, "there is no row in it"),
        ("id,body\n1,x\n", {}, "--column text=NAME"),
    ],
)
def test_what_cannot_be_read_names_the_file(
    tmp_path: Path, content: str, columns: dict[str, str], told: str
) -> None:
    file = write(tmp_path / "t.csv", content)

    with pytest.raises(InputError) as refused:
        list(read_file(file, ReadOptions(columns=columns), None))

    assert str(file) in str(refused.value)
    assert told in str(refused.value)
