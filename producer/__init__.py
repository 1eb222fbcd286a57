"""Producers: tickets come in, from files, programs and the Redis stream, and reach the workers.

The route of a ticket:

1. A file: ``files`` reads it into rows, ``tickets`` makes tickets of rows. A program calls
   ``submit`` with tickets. ``stream`` takes in what other programs put into ``tickets.ingest``.
2. ``submit`` checks each ticket (``tickets.checks``), lifts its priority by rules
   (``tickets.rules``), writes it as a row, and publishes its id after the commit.
3. ``relay`` runs as a process of its own: it frees expired claims, publishes again the waiting
   tickets of a lane whose queue in Redis is empty, takes in the stream, and has ``drift_watch``
   look whether tickets have changed. ``steps`` keeps the faults of one step from the others.
"""

from db.tickets import NewTicket
from producer.submit import Refused, SubmitResult, Submitter, submit

__all__ = ["NewTicket", "Refused", "SubmitResult", "Submitter", "submit"]
