"""What a worker's child process holds: database, model, claim loop and heartbeat."""

import logging
import os
import threading
from collections.abc import Callable

from classifier.loading import Options
from core.broker import get_app, make_redis
from core.place import place_of
from core.process import freeze_objects
from core.publisher import Publisher
from core.settings import Settings
from db import cards, claims, open_database, workers
from worker.heartbeat import Heartbeat
from worker.loop import ClaimLoop
from worker.resident import Resident
from worker.shadowing import ShadowLoop
from worker.shared import Shared

logger = logging.getLogger(__name__)

# What is left of a message is published if Redis answers so soon; else the relay does it. A task
# that waited longer for a frozen Redis would meet its hard limit, and its process with it.
_REDIS_PATIENCE_S = 5.0


class WorkerProcess:
    """The state of the child, opened after the fork.

    Args:
        settings: names the worker and its database.
        device: the GPU this worker is pinned to, for its row.
        shared: the parent's numbers.
        stalled: seconds in which messages wait and none comes.
    """

    def __init__(
        self, settings: Settings, device: str, shared: Shared, stalled: Callable[[], float]
    ) -> None:
        self.settings = settings
        self.name = settings.resolved_worker_name
        self.database = open_database(settings)
        options = Options.of(settings)
        self.place = place_of(device)
        self.resident = Resident(
            self.database, settings.resolved_models_dir, options, place=self.place
        )
        # Held while a message is worked off.
        self.working = threading.Lock()
        self.loop = ClaimLoop(
            self.database,
            self.resident,
            settings,
            Publisher(settings, get_app(), make_redis(settings, _REDIS_PATIENCE_S)).publish,
            self.name,
            lambda: bool(shared.stopping),
        )
        self.shadow = ShadowLoop(
            self.database, self.resident, settings, lambda: bool(shared.stopping)
        )
        self.heartbeat = Heartbeat(self.loop, shared, stalled, settings.heartbeat, self.follow_card)
        self._frozen_version: str | None = None

    def start(self) -> None:
        """Free what a dead predecessor held, begin to send heartbeats, and load the model.

        Who waits for the card must see that somebody is about to take it.
        """
        with self.database.writing() as session:
            freed, dead = claims.free_of_worker(
                session, self.name, max_attempts=self.settings.max_attempts
            )
            workers.started(session, name=self.name, pid=os.getpid(), device=self.place)
        if freed:
            logger.warning(
                "freed a dead worker's claims",
                extra={"action": "claims.freed", "freed": freed, "dead": dead},
            )
        with self.working:
            self.heartbeat.start()
            self.resident.refresh()

    def freeze_loaded(self) -> None:
        """After a new model's first message, when all is compiled: freeze what it has loaded."""
        if self.resident.version != self._frozen_version:
            freeze_objects()
            self._frozen_version = self.resident.version

    def follow_card(self) -> None:
        """Between two messages, leave the card to a run that takes it, or take it back.

        An idle worker has no other occasion. The process ends for it, and the next one begins with
        the card, or without.
        """
        if not self.working.acquire(blocking=False):
            return
        try:
            with self.database.reading() as session:
                if not self.resident.card_moved(session):
                    return
            self.resident.refresh()
            if self.resident.needs_new_process:
                self.give_way()
        finally:
            self.working.release()

    def is_card_lent(self) -> bool:
        """Whether a training run has the card to itself."""
        with self.database.reading() as session:
            return cards.lent_to(session, self.place) is not None

    def give_way(self) -> None:
        """End this process; the pool starts another."""
        logger.warning("a new process takes over", extra={"action": "process.replaced"})
        self.stop()
        os._exit(0)

    def stop(self) -> None:
        """Say goodbye: the heartbeat ends and the row says it was on purpose."""
        self.heartbeat.stop()
        with self.database.writing() as session:
            workers.stopped(session, self.name)
