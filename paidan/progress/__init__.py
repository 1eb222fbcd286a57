"""How far a command is, on standard error: a ``bar`` on a terminal, elsewhere a line now and then.

A ``push`` first counts the tickets that are stored, then waits until each is answered; where none
moves on, ``stall`` says what may be missing. A ``training`` tells lines and steps; it is a
``training.progress.Progress``.
"""
