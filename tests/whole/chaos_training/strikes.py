"""What was killed, when, and how long a server was away by it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

CHILD, PARENT, REDIS, DATABASE = "child", "parent", "redis", "database"


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which no ticket could be answered.

    Parameters:
        began, ended: by the clock of this machine, which is that of its servers, too.
    """

    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Strike:
    """One kill.

    Parameters:
        what: ``CHILD``, ``PARENT``, ``REDIS`` or ``DATABASE``.
        run: the run at work then.
        step: its newest checkpoint then, None where it had none.
    """

    what: str
    run: int
    step: int | None

    def __str__(self) -> str:
        """Return it as a line for people."""
        at = "" if self.step is None else f" after the checkpoint of step {self.step}"
        return f"{self.what} in run {self.run}{at}"


def count_hits(strikes: list[Strike]) -> Counter[int]:
    """Return how often the process of each run was killed, alone or with its trainer."""
    return Counter(one.run for one in strikes if one.what in (CHILD, PARENT))


def uncovered(began: datetime, ended: datetime, outages: list[Outage]) -> float:
    """Return the seconds of a time that no outage covers."""
    rest = (ended - began).total_seconds()
    reached = began
    for outage in sorted(outages, key=lambda one: one.began):
        first, last = max(outage.began, reached), min(outage.ended, ended)
        if last > first:
            rest -= (last - first).total_seconds()
            reached = last
    return rest
