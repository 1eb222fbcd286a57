"""Kills the servers: Redis, and PostgreSQL with all its processes, as a power cut would."""

import random
import signal
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import select

from core.errors import DatabaseUnavailableError
from db.models import Classification, Ticket
from tests.whole.chaos.servers import PostgresServer, wait_for_redis
from tests.whole.chaos_training.inquirer import Inquirer
from tests.whole.chaos_training.producer import Producer
from tests.whole.chaos_training.stack import Stack
from tests.whole.chaos_training.strikes import DATABASE, REDIS, Outage, Strike
from training.runs.workplace import Workplace

_DOWN_S = (0.3, 4.0)
_BETWEEN_S = (0.0, 15.0)
_BOTH = 0.3  # how likely two kills come at once
_ANSWER_S = 90.0
_POLL_S = 0.1


class ServerKiller(threading.Thread):
    """Kills servers at moments of its seed while a run is at work, and starts them again.

    Between two outages a ticket that was pushed after the first one must be answered.

    Attributes:
        strikes: the kills.
        outages: when a server was away.
    """

    def __init__(self, stack: Stack, inquirer: Inquirer, producer: Producer) -> None:
        super().__init__(name="server-killer", daemon=True)
        self._stack = stack
        self._inquirer = inquirer
        self._producer = producer
        self._rng = random.Random(f"{stack.plan.seed}:servers")
        self.strikes: list[Strike] = []
        self.outages: list[Outage] = []

    def run(self) -> None:
        plan = self._stack.plan
        wanted = [one for one in plan.targets if one in (REDIS, DATABASE)] * plan.kills
        self._rng.shuffle(wanted)
        is_long = True  # the first outage of the database outlasts a lease
        while wanted and not self._stack.ended.is_set():
            targets = {wanted.pop()}
            if wanted and wanted[-1] not in targets and self._rng.random() < _BOTH:
                targets.add(wanted.pop())
            longest = self._stack.settings.claim + 2 if is_long and DATABASE in targets else 0.0
            is_long = is_long and DATABASE not in targets
            self._strike(sorted(targets), longest)
            self._wait_for_an_answer()

    def _strike(self, targets: list[str], longest: float) -> None:
        """Kill servers at once, while a run is at work, and start each again."""
        stack, rng = self._stack, self._rng
        while (found := self._inquirer.at_work()) is None:
            if stack.ended.wait(_POLL_S):
                return
        stack.ended.wait(rng.uniform(*_BETWEEN_S))
        step = Workplace(stack.settings, found[1]).checkpoint_step()
        began = datetime.now(UTC)
        for target in targets:
            down = rng.uniform(*_DOWN_S)
            if target == REDIS:
                stack.redis_part.signal(signal.SIGKILL, down=down)
            else:
                self._postgres.kill()
            self.strikes.append(Strike(target, found[1], step))
        stack.ended.wait(max(longest, rng.uniform(*_DOWN_S)))
        if DATABASE in targets:
            self._postgres.restart()
            self._wait_for_database()
        wait_for_redis(stack.redis)
        self.outages.append(Outage(began, datetime.now(UTC)))

    @property
    def _postgres(self) -> PostgresServer:
        assert isinstance(self._stack.server, PostgresServer)
        return self._stack.server

    def _wait_for_database(self) -> None:
        while not self._stack.ended.is_set():
            try:
                with self._stack.database.reading():
                    return
            except DatabaseUnavailableError:
                time.sleep(_POLL_S)

    def _wait_for_an_answer(self) -> None:
        """Wait until a ticket that was pushed from now on is answered, if a model is there."""
        if not self._inquirer.has_champion():
            return
        number = self._producer.pushed
        deadline = time.monotonic() + _ANSWER_S
        while not self._stack.ended.wait(_POLL_S):
            if self._inquirer.patiently(lambda: self._is_answered(number)):
                return
            if time.monotonic() > deadline:
                tail = self._stack.log_tail("worker")
                self._stack.find(f"no ticket is answered after an outage; the worker:\n{tail}")
                return

    def _is_answered(self, number: int) -> bool:
        with self._stack.database.reading() as session:
            newest = select(Ticket.external_id).join(
                Classification, Classification.ticket_id == Ticket.id
            )
            found = session.scalar(newest.order_by(Ticket.id.desc()).limit(1))
        return found is not None and int(found) >= number
