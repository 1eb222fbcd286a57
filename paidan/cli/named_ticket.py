"""Finds the ticket that a row of people's decisions names."""

from typing import TYPE_CHECKING

from paidan.cli.inert import without_mark

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.models import Ticket

Key = tuple[str, str]
"""Source and external id."""


def find_named(session: "Session", key: Key, *, exact: bool) -> "Ticket | str":
    """Return the ticket of a key, or why there is none that it can mean.

    Args:
        session: of the record.
        key: as the file has it.
        exact: whether it stands as it is stored; else the export may have added an apostrophe.
    """
    found = _stored(session, key, exact=exact)
    if not found:
        try:
            found = _mended(session, key)
        except ValueError as error:
            return str(error)
    if not found:
        return f"no ticket {key[1]!r} of source {key[0]!r} is known"
    if len(found) > 1:
        return (
            f"{key[1]!r} may be a ticket of that id, or one whose apostrophe the export added: "
            "keep the export's column 'escaped'"
        )
    return found[0]


def _stored(session: "Session", key: Key, *, exact: bool) -> "list[Ticket]":
    """Return the tickets that a row can mean: without the export's column, an apostrophe is open.

    Raises:
        DatabaseUnavailableError: the database cannot be reached.
    """
    from db import corrections

    source, external_id = key
    keys = {key} if exact else {key, (without_mark(source), without_mark(external_id))}
    tickets = (corrections.find_ticket(session, *each) for each in sorted(keys))
    return [ticket for ticket in tickets if ticket is not None]


def _mended(session: "Session", key: Key) -> "list[Ticket]":
    """Return the ticket whose id a spreadsheet has changed, as ``push`` would read it.

    Raises:
        RuinedIdError: the id has lost its digits.
    """
    from db import corrections
    from producer.tickets.ids import read_id

    source, external_id = key
    mended, _ = read_id(external_id)
    ticket = corrections.find_ticket(session, source, mended) if mended else None
    return [] if ticket is None else [ticket]
