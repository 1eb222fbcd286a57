"""The live progress of a push: submitted, routed, in review, dead, rate, time left."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from db import Database

_POLL_S = 0.3
# A poll may take this share of the time: waiting must not slow down what it waits for.
_POLL_SHARE = 0.1
# After so long without a ticket done, say what may be missing.
_STALLED_S = 10.0
_LINE_EVERY_S = 5.0


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Show how many of how many; while a file is being read its length is not known."""
        total = "" if task.total is None else f"/{task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{total}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Show tickets a second."""
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


class PushProgress:
    """A bar on a terminal; elsewhere a line every five seconds.

    Args:
        quiet: show nothing (for ``--json``).
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self._console = Console(stderr=True, quiet=quiet)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            _Count(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}"),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("submitted", total=None, detail="")
        self._last_line = time.monotonic()

    def __enter__(self) -> "PushProgress":
        self._bar.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._bar.stop()

    def submitted(self, count: int) -> None:
        """Show how many tickets are in the database."""
        self._bar.update(self._task, completed=count)
        self._line(f"submitted {count:,}")

    def wait(self, database: "Database", ids: Sequence[int]) -> Counter[str]:
        """Wait until every ticket is routed, in review or dead; return how many are what."""
        from db import report

        waiting = list(ids)
        self._bar.reset(self._task, total=len(waiting), description="classified", detail="")
        last_change = time.monotonic()
        while waiting:
            began = time.monotonic()
            with database.reading() as session:
                closed = report.closed_among(session, waiting)
            if closed:
                last_change = began
                self.counts.update(closed.values())
                waiting = [i for i in waiting if i not in closed]
            self._show(len(ids) - len(waiting), len(ids))
            if time.monotonic() - last_change > _STALLED_S:
                self._console.print(f"waiting: {why_stalled(database)}", highlight=False)
                last_change = time.monotonic()
            if waiting:
                time.sleep(max(_POLL_S, (time.monotonic() - began) / _POLL_SHARE))
        return self.counts

    def _show(self, done: int, total: int) -> None:
        detail = "  ".join(f"{name} {self.counts[name]:,}" for name in ("routed", "review", "dead"))
        self._bar.update(self._task, completed=done, detail=detail)
        self._line(f"classified {done:,} of {total:,}: {detail}")

    def _line(self, text: str) -> None:
        """Where there is no terminal, print a line now and then."""
        if self._bar.disable and time.monotonic() - self._last_line >= _LINE_EVERY_S:
            self._last_line = time.monotonic()
            self._console.print(text, highlight=False)


class TrainingProgress:
    """What a training run tells: lines, and a bar of its steps (lines where there is no terminal).

    Args:
        prefix: put before each line.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(bar_width=24),
            _Count(),
            TextColumn("steps"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=None, visible=False, detail="")
        self._last_line = time.monotonic()

    def __enter__(self) -> "TrainingProgress":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(f"{self._prefix}{line}", highlight=False, markup=False, soft_wrap=True)

    def step(self, step: int, steps: int, loss: float | None) -> None:
        """Show how far the run is."""
        detail = "" if loss is None else f"loss {loss:.3f}"
        self._bar.start()  # here: what tells lines alone shows no bar
        self._bar.update(self._task, completed=step, total=steps, visible=True, detail=detail)
        if self._bar.disable and time.monotonic() - self._last_line >= _LINE_EVERY_S:
            self._last_line = time.monotonic()
            self.say(f"training step {step:,} of {steps:,} {detail}")


def why_stalled(database: "Database") -> str:
    """Say what is missing for tickets to move on."""
    from redis.exceptions import RedisError

    from core.broker import make_redis
    from core.publisher import unreachable
    from core.settings import get_settings
    from db import versions, workers

    settings = get_settings()
    try:
        make_redis(settings).ping()
    except RedisError as error:
        return unreachable(settings, error)
    with database.reading() as session:
        champion = versions.champion(session)
        there = workers.list_workers(session)
    if champion is None:
        return "no model is promoted; train one with 'paidan train --data FILE --promote'"
    if not any(workers.is_alive(worker, settings.heartbeat) for worker in there):
        return "no worker is alive; start one with 'paidan up' or 'paidan worker'"
    return "the workers are alive; see their log for what holds them up"
