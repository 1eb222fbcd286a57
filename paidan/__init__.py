"""Paidan (派单): dispatches free-text tickets to handling units.

The program on top of all rooms: the ``paidan`` command line (``cli``), the embedded stack, the demo
and the synthetic sample. What a command needs is imported when it runs.
"""

__version__ = "0.1.0"
