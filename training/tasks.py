"""The Celery task of a trainer: a message that says no more than "look".

Losing one loses nothing, for a trainer also looks by itself. A run is a leased row and a process of
its own, and no long message.
"""

import threading

from core.broker import RETRAIN_TASK, make_training_app
from core.settings import get_settings

app = make_training_app(get_settings())

called = threading.Event()
"""Is set by each message; the trainer of this process waits for it."""


@app.task(name=RETRAIN_TASK)
def retrain() -> None:
    """Have the trainer look for runs."""
    called.set()
