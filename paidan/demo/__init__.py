"""The demo: the whole way on synthetic tickets, on this machine alone.

``run.run_demo`` takes an empty ``home``, starts the embedded stack, and has its trainer train an
adapter on the stand-in base, with tickets of the old days of an invented ``world``. Twice
``pushing`` sends tickets of a year later to the worker. ``outcome`` reads from the record what
became of them, and a ``table`` shows it. ``loop`` decides those in review as a person would and has
the trainer train again; the gate judges. ``swap`` waits until the worker answers with what was
promoted, and compares the versions.

Every ticket is invented (``paidan.sample``) and the base is tiny, so the accuracy says that the way
works, not how good Paidan is on real tickets.
"""
