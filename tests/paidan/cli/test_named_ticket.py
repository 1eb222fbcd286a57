"""The ticket that a row names: as stored, as the export wrote it, or as a sheet changed it."""

import pytest

from db import Database
from db.models import Ticket
from paidan.cli.named_ticket import find_named
from tests.support.make import add_tickets


def named(database: Database, external_id: str, *, exact: bool = False) -> str:
    """The id of the ticket that is found, or why there is none."""
    with database.writing() as session:
        found = find_named(session, ("file", external_id), exact=exact)
        return found.external_id or "" if isinstance(found, Ticket) else found


@pytest.fixture(autouse=True)
def _tickets(database: Database) -> None:
    for external_id in ("=1+2", "'=1+2", "@x", "17"):
        add_tickets(database, 1, external_id=external_id, text=f"路灯坏了 {external_id}")


def test_an_exact_id_means_that_ticket_alone(database: Database) -> None:
    assert named(database, "'=1+2", exact=True) == "'=1+2"
    assert named(database, "=1+2", exact=True) == "=1+2"


def test_an_apostrophe_may_be_the_exports_and_then_two_tickets_are_too_many(
    database: Database,
) -> None:
    assert named(database, "'@x") == "@x"
    assert "keep the export's column 'escaped'" in named(database, "'=1+2")


def test_an_id_that_a_spreadsheet_changed_is_mended(database: Database) -> None:
    assert named(database, "17.0") == "17"
    assert "no ticket 'nobody' of source 'file'" in named(database, "nobody")
