"""``paidan erase``: what one ticket says, gone for good where a law asks for it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import InputError, StorageError
from core.faults import describe
from core.files import open_private
from core.settings import Settings, get_settings
from core.text import model_text
from paidan.cli.options import SOURCE, hint_of_missing

if TYPE_CHECKING:
    from db import Database

_REMAINS = (
    "not reached from here: backups, files it was pushed from, exports, what models learned from "
    "it (train anew)"
)


@click.command()
@click.argument("external_id")
@SOURCE
@click.option("--by", required=True, help="Who erases it, for the record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(external_id: str, source: str, by: str, *, yes: bool) -> None:
    """Erase one ticket's title, text, district and meta for good; its ids and unit stay."""
    from sqlalchemy import select

    from db import erasure, open_database
    from db.models import Ticket

    settings = get_settings()
    database = open_database(settings)
    if not yes:
        click.confirm(f"erase ticket {external_id!r} of source {source!r} for good?", abort=True)
    with database.reading() as session:
        named = Ticket.source == source, Ticket.external_id == external_id
        found = session.execute(select(Ticket.id, Ticket.title, Ticket.text).where(*named)).first()
    if found is None:
        raise InputError(f"no ticket {external_id!r} of source {source!r} is known (--source)")
    # First, and with no snapshot made in between: once the record is without the text, nobody knows
    # it again in a file's rows.
    text = model_text(found.title, found.text)
    with _snapshots_without(settings, found.id, text) as left, database.writing() as session:
        ticket = session.get_one(Ticket, found.id, with_for_update=True)
        is_new = erasure.erase(session, ticket, actor=by)
    # Again, for a ticket that was erased before: the first time may have been interrupted.
    remains = [_REMAINS, *left, *_erase_elsewhere(settings, database, source, external_id)]
    click.echo("erased" if is_new else "was erased before; looked once more")
    for line in remains:
        click.echo(line, err=True)


@contextmanager
def _snapshots_without(settings: Settings, ticket: int, text: str) -> Iterator[list[str]]:
    """Erase a ticket from all snapshots, let none be made in the block; yield what may remain."""
    from registry.pruning import SNAPSHOTS

    folder = settings.resolved_models_dir / SNAPSHOTS
    if not folder.is_dir():
        yield []
        return
    with hint_of_missing("linear"):
        from training.gate.tickets import text_hash
        from training.snapshot.erasure import erase_from_snapshots
        from training.snapshot.store import alone

    with alone(folder):
        found = erase_from_snapshots(folder, ticket, text_hash(text))
        if found.rows:
            click.echo(f"{found.rows} rows of {found.files} snapshots and seeds were erased")
        yield [f"{path} is damaged and may hold it: delete it" for path in found.unread]


def _erase_elsewhere(
    settings: Settings, database: "Database", source: str, external_id: str
) -> list[str]:
    """Erase the copies that Paidan keeps beside the row; return what may remain."""
    from redis.exceptions import RedisError

    from core.broker import make_redis
    from producer.stream.erasure import erase_from_streams

    remains = []
    if database.engine.dialect.name != "sqlite":
        remains.append(
            "PostgreSQL keeps the old row until its next vacuum, and in its archived log"
        )
    elif not database.forget_log():
        remains.append("another process reads: SQLite's log keeps the old row until it is done")
    try:
        with make_redis(settings) as redis:
            erase_from_streams(redis, source, external_id)
    except RedisError as error:
        remains.append(f"Redis does not answer ({describe(error)}): erase again when it does")
    _erase_from_rejects(settings.resolved_home / "rejects", external_id)
    return remains


def _erase_from_rejects(folder: Path, external_id: str) -> None:
    """Take the rows that name the ticket's id out of this home's files of refused rows."""
    try:
        for path in folder.glob("*.jsonl"):
            lines = path.read_text("utf-8").splitlines(keepends=True)
            kept = [line for line in lines if not _names(line, external_id)]
            if len(kept) < len(lines):
                partial = path.with_suffix(".partial")
                with open(partial, "w", encoding="utf-8", opener=open_private) as stream:
                    stream.writelines(kept)
                partial.replace(path)
    except OSError as error:
        raise StorageError(
            f"the ticket is erased from the database, but {error.filename} cannot be rewritten: "
            f"{error.strerror}"
        ) from error


def _names(line: str, external_id: str) -> bool:
    try:
        row: Any = json.loads(line).get("row")
    except (ValueError, AttributeError):
        return False
    return isinstance(row, dict) and external_id in (str(value).strip() for value in row.values())


COMMANDS = (erase,)
