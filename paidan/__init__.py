"""Paidan (派单): dispatches free-text tickets to handling units.

The program on top of all rooms. ``cli`` is the ``paidan`` command line; a command imports what it
needs when it runs, calls a function of a room below and shows its ``progress``. ``paidan up`` runs
the ``embedded`` stack, whose Redis is a ``redis_server`` of this machine. ``paidan demo`` is the
``demo``: it sends tickets of the synthetic ``sample`` through that stack.
"""

__version__ = "0.1.0"
