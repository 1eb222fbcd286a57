"""The embedded stack: Redis, relay, trainer and worker as children of one foreground process.

``stack`` starts the four as a ``part`` each, starts again what dies, and stops them in the order
worker, trainer, relay, Redis. A ticket's way through them is that of any other installation.
``interrupts`` lets a signal end the command by way of its ``finally`` blocks.
"""
