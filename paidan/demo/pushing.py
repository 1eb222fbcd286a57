"""Synthetic tickets on their way to the demo's worker."""

from collections.abc import Sequence

from db.tickets import NewTicket
from paidan.demo.home import Demo
from paidan.progress.push import PushProgress
from paidan.sample.generator import SampleTicket
from producer.submit import CHUNK, Submitter


def push(demo: Demo, tickets: Sequence[SampleTicket], source: str) -> list[int]:
    """Submit the tickets and wait for all of them, with progress."""
    submitter = Submitter.from_settings(demo.settings)
    ids: list[int] = []
    with PushProgress(demo.settings) as progress:
        for start in range(0, len(tickets), CHUNK):
            chunk = [as_new(ticket, source) for ticket in tickets[start : start + CHUNK]]
            ids += submitter.submit(chunk).ids
            progress.submitted(len(ids))
        progress.wait(demo.database, ids)
    return ids


def as_new(ticket: SampleTicket, source: str) -> NewTicket:
    """Return a synthetic ticket as a producer submits it."""
    return NewTicket(
        source=source,
        external_id=ticket.external_id,
        title=ticket.title,
        text=ticket.text,
        received_at=ticket.received_at,
        lane=ticket.lane,
        district=ticket.district,
        unit=ticket.operator_unit,
        meta=dict(ticket.meta),
    )
