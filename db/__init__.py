"""The system of record. SQL is the truth and Redis the transport.

``opening`` opens the configured ``Database`` (``session``: reading and writing transactions;
``engine``: how they begin; ``schema``: which of the ``migrations`` it has; ``faults``: its errors,
in words). ``models`` has the tables, ``types`` their columns, ``clock`` the one clock that stamps
them. ``upsert`` writes the INSERT … ON CONFLICT of either database.

The way of a ticket: ``tickets`` inserts its row. ``claims`` gives it to a worker, in a ``batch``
with others, and counts the attempt. If the worker dies, the next worker of its name has ``claims``
free the ticket, or the relay does once the claim has expired. ``results`` stores the answer and the
status. ``corrections`` stores what a person decides, with its ``provenance`` (why the person was
asked), and ``blind_sample`` tells which of these tickets were drawn. ``quality`` estimates from the
sample how right the routed tickets are, and ``drift`` compares the ``figures`` of answers then and
now. Where a unit gives a ticket back, ``returns`` opens its next round; ``returned`` tells who did,
and why, out of ``return_tables``. ``erasure`` empties the row for good, and ``export`` gives it
back as an ``export_row`` for people. ``report`` counts the tickets, and lists the dead.

The way of a unit: a file names it (``unit_record``), ``unit_index`` finds which stored unit it is,
``taxonomy`` imports and resolves it, ``standing`` tells what an answer with a unit that is gone is
worth, ``unit_removal`` removes it while nothing refers to it.
``versions`` says which model version is champion, ``best_champion`` which past one was better,
``needed_versions`` which others are needed, ``calibrations`` how each decides since its training,
``workers`` has the heartbeats, ``events`` the audit trail.

A challenger answers in the ``shadow``, beside the champion and unseen; its tables are in
``shadow_tables``. ``draws`` (``draw_tables``) asks people about tickets that it and the champion
answer differently, and keeps what they say who see neither answer.

The way of a training run, whose tables are in ``run_tables``: ``runs`` leases it to a trainer and
frees it when that dies, ``run_points`` has its curves, and ``cards`` tells which run has a card to
itself. ``judgings`` asks for runs that only judge, and ``verdicts`` says what became of versions.

Functions take an open ``Session`` and leave the commit to ``Database.writing()``, so a caller
composes several into one transaction.
"""

# So that all tables are known, always.
from db import draw_tables, return_tables, run_tables, shadow_tables  # noqa: F401
from db.opening import open_database
from db.session import Database

__all__ = ["Database", "open_database"]
