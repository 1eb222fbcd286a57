"""Claimed tickets as the batches that a model is asked for."""

from classifier.interface import Batch
from core.text import model_text
from db import Database
from db.claims import Claim
from db.returned import refused_units


def split_live(claim: Claim) -> dict[str, Claim]:
    """Return a claim's live tickets apart from the others, each part by a token for its batch.

    A batch is stored when all of it is answered. Live tickets so do not wait for the bulk tickets
    that were claimed with them.
    """
    live = [ticket for ticket in claim.tickets if ticket.lane == "live"]
    rest = [ticket for ticket in claim.tickets if ticket.lane != "live"]
    parts = {f"{claim.token} live": live, claim.token: rest}
    return {token: Claim(claim.token, part) for token, part in parts.items() if part}


def make_batch(database: Database, claim: Claim, token: str, offered: frozenset[str]) -> Batch:
    """Return what a model is asked for a claim.

    Args:
        database: where the units stand that returned a ticket.
        claim: the tickets.
        token: with which the answer comes back.
        offered: the units from which a ticket's allowed units are all but those that returned it.
    """
    refused = _refused_units(database, claim)
    # A ticket that every unit has returned is offered all of them again.
    allowed = [(offered - refused.get(t.id, frozenset())) or offered for t in claim.tickets]
    texts = [model_text(ticket.title, ticket.text) for ticket in claim.tickets]
    live = [ticket.lane == "live" for ticket in claim.tickets]
    return Batch(texts, allowed, token, live)


def _refused_units(database: Database, claim: Claim) -> dict[int, set[str]]:
    """Return the units that returned (退单) tickets of a claim, by the tickets' ids."""
    returned = [ticket.id for ticket in claim.tickets if ticket.round > 0]
    if not returned:
        return {}
    with database.reading() as session:
        return refused_units(session, returned)
