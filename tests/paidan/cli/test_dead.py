"""``paidan dead``: dead tickets are listed and get new attempts."""

from pathlib import Path

from sqlalchemy import select, update

from core.settings import load_settings
from db import Database, open_database
from db.models import Status, Ticket
from tests.support.cli import Cli


def rows_of(database: Database) -> list[Ticket]:
    with database.reading() as session:
        return list(session.scalars(select(Ticket).order_by(Ticket.id)))


def test_dead_tickets_are_listed_and_requeued(cli: Cli, answered: Path) -> None:
    database = open_database(load_settings())
    with database.writing() as session:
        session.execute(
            update(Ticket).where(Ticket.id < 3).values(status=Status.DEAD, dead_reason="boom")
        )

    assert cli("dead", "list").out == "file\t1\tboom\nfile\t2\tboom\n"
    with database.writing() as session:
        session.execute(update(Ticket).where(Ticket.id == 1).values(external_id="1\x1b[2J\n9"))
    assert cli("dead", "list").out == "file\t1\\x1b[2J\\n9\tboom\nfile\t2\tboom\n"
    with database.writing() as session:
        session.execute(update(Ticket).where(Ticket.id == 1).values(external_id="1"))
    assert cli("dead", "requeue").code == 2  # neither ids nor --all
    assert cli("dead", "requeue", "1", "7").code == 3  # 7 is not dead
    assert [ticket.status for ticket in rows_of(database)][:2] == ["queued", "dead"]
    assert "1 tickets are queued again" in cli("dead", "requeue", "--all").out
    assert cli("dead", "list").out == "no ticket is dead\n"
    database.engine.dispose()
