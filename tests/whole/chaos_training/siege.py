"""One siege: a stack, those who work with it, the kills, the wait for all, the verdict."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from db.models import Classification
from db.run_tables import Run, RunState
from tests.support.training_runs import left_in_home
from tests.whole.chaos_training.inquirer import Inquirer
from tests.whole.chaos_training.producer import Producer
from tests.whole.chaos_training.run_check import check_runs
from tests.whole.chaos_training.server_killer import ServerKiller
from tests.whole.chaos_training.stack import Plan, Stack, started_stack, stop_parts
from tests.whole.chaos_training.strikes import Outage, count_hits
from tests.whole.chaos_training.ticket_check import check_tickets, count_waiting, left_in_redis
from tests.whole.chaos_training.trainer_killer import TrainerKiller
from tests.whole.chaos_training.unbroken import learn_unbroken

_MOST_S = 1800.0  # until the last kill
_REST_S = 300.0  # from then until all is done
_POLL_S = 0.2


@dataclass(slots=True)
class Report:
    """A siege's figures; ``problems`` is empty where all promises were kept.

    Attributes:
        kills: how often each was killed.
        pushed, refused: tickets that were taken; how often a push was refused.
        known: pushes that were refused and had been stored.
        unpublished: tickets that were left to the relay.
        longest_wait: seconds from a ticket's row to its answer in which all servers were up.
        difference: between weights of a broken and an unbroken LLM's run, the largest one.
        strikes: the kills in words.
    """

    seed: int
    database: str
    seconds: float = 0.0
    kills: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    attempts: int = 0
    pushed: int = 0
    refused: int = 0
    known: int = 0
    unpublished: int = 0
    lost: int = 0
    doubled: int = 0
    outages: int = 0
    longest_wait: float = 0.0
    difference: float = 0.0
    strikes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a program."""
        return asdict(self) | {"clean": self.is_clean}


class Siege:
    """Those who work with a stack, and what they did."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.inquirer = Inquirer(stack)
        self.producer = Producer(stack)
        self.servers = ServerKiller(stack, self.inquirer, self.producer)
        self.trainers = TrainerKiller(stack, self.inquirer)
        self.began = datetime.now(UTC)

    def strike(self) -> None:
        """Kill as planned while runs are asked for and tickets pushed; wait until all is done."""
        threads: list[threading.Thread] = [self.producer, self.servers, self.trainers]
        for thread in threads:
            thread.start()
        self._until(lambda: not any(t.is_alive() for t in threads[1:]), _MOST_S, "the kills")
        self._until(self._all_ended, _REST_S, "the runs")
        self.stack.over.set()
        self.producer.join(_REST_S)
        self._until(lambda: not count_waiting(self.stack.database), _REST_S, "the tickets")
        self._until(lambda: not left_in_redis(self.stack.redis), _REST_S, "the messages")
        self._until(lambda: not left_in_home(self.stack.settings), _REST_S, "what runs leave")

    def _all_ended(self) -> bool:
        return not self.inquirer.is_under_way()

    def _until(self, is_done: Callable[[], bool], within: float, what: str) -> None:
        """Wait, and ask for another run whenever none is under way before the last kill."""
        deadline = time.monotonic() + within
        while not is_done():
            is_on = self.trainers.is_alive() or self.servers.is_alive()
            if is_on and not self.inquirer.is_under_way():
                self.inquirer.ask()
            if time.monotonic() > deadline:
                tails = [f"{p.name}:\n{self.stack.log_tail(p.name)}" for p in self.stack.parts[1:]]
                self.stack.find(f"not in {within:g} s: {what}\n" + "\n".join(tails))
                return
            time.sleep(_POLL_S)

    def outages(self) -> list[Outage]:
        """Return when no ticket could be answered: no server, or no model yet."""
        with self.stack.database.reading() as session:
            first = session.scalar(
                select(Classification.classified_at).order_by(Classification.classified_at).limit(1)
            )
        start = Outage(self.began, first or datetime.now(UTC))
        return [start, *self.servers.outages]


def besiege(plan: Plan, folder: Path, say: Callable[[str], object] = lambda _: None) -> Report:
    """Carry out a plan with its files in ``folder``, which stays behind if something was found."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the database may run as another user
    report = Report(plan.seed, plan.database)
    began = time.monotonic()
    with started_stack(plan, folder) as stack:
        siege = Siege(stack)
        siege.strike()
        runs = siege.inquirer.all_runs()
        stop_parts(stack)
        _judge(report, siege, runs)
        for strike in report.strikes:
            say(strike)
    report.seconds = round(time.monotonic() - began, 1)
    if report.is_clean:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _judge(report: Report, siege: Siege, runs: list[Run]) -> None:
    """Enter the figures and what is wrong."""
    stack, strikes = siege.stack, [*siege.servers.strikes, *siege.trainers.strikes]
    outages = siege.outages()
    tickets = check_tickets(stack.database, siege.producer.pushed, outages)
    unbroken = {kind: learn_unbroken(stack, run) for kind, run in {r.kind: r for r in runs}.items()}
    hits = count_hits(strikes)
    learned = check_runs(stack, runs, hits, unbroken, int(stack.plan.constant))
    if not stack.plan.constant and runs[0].state != RunState.DONE:
        report.problems.append(f"the first run is {runs[0].state}")
    report.kills = dict(Counter(strike.what for strike in strikes))
    report.strikes = [str(strike) for strike in strikes]
    if report.kills != dict.fromkeys(stack.plan.targets, stack.plan.kills):
        report.problems.append(f"not all was killed: {report.kills}")
    report.runs, report.attempts = len(runs), learned.attempts
    producer = siege.producer
    report.pushed, report.refused = producer.pushed, producer.refused
    report.known, report.unpublished = producer.known, producer.unpublished
    report.lost, report.doubled = len(tickets.lost), len(tickets.doubled)
    report.outages = len(outages) - 1
    report.longest_wait = round(tickets.longest_wait, 1)
    report.difference = learned.difference
    ended = [f"{gone.part} ended by itself with {gone.code}" for gone in stack.supervisor.exits]
    report.problems += [*tickets.problems, *learned.problems, *stack.findings, *ended]
