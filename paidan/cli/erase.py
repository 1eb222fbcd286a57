"""``paidan erase``: what one ticket says, gone for good where a law asks for it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import InputError, StorageError
from core.faults import describe
from core.files import open_private
from core.settings import Settings, get_settings
from paidan.cli.options import SOURCE

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
    from db import corrections, erasure, open_database

    settings = get_settings()
    database = open_database(settings)
    if not yes:
        click.confirm(f"erase ticket {external_id!r} of source {source!r} for good?", abort=True)
    with database.writing() as session:
        ticket = corrections.find_ticket(session, source, external_id)
        if ticket is None:
            raise InputError(f"no ticket {external_id!r} of source {source!r} is known (--source)")
        is_new = erasure.erase(session, ticket, actor=by)
    # Again, for a ticket that was erased before: the first time may have been interrupted.
    remains = [_REMAINS, *_erase_elsewhere(settings, database, source, external_id)]
    click.echo("erased" if is_new else "was erased before; looked once more")
    for line in remains:
        click.echo(line, err=True)


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
