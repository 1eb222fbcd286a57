"""Paidan (派单): dispatches free-text tickets to handling units.

The leaves every room may import (settings, errors, logging, privacy, text, broker) and, on top of
all rooms, the ``paidan`` command line and the embedded stack.
"""

__version__ = "0.1.0"
