"""The demo: the whole way on synthetic tickets, on this machine alone.

``run.run_demo`` takes an empty ``home``, starts the embedded stack and trains an adapter on the
stand-in base. ``pushing`` sends tickets to the worker, which answers them. ``outcome`` reads from
the record what became of them, and a ``table`` shows it. ``learning`` decides the doubtful ones as
a person would, trains again with these, and the worker swaps the new adapter in while it runs.

Every ticket is invented (``paidan.sample``) and the base is tiny, so the accuracy says that the way
works, not how good Paidan is on real tickets.
"""
