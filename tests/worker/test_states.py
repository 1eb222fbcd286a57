"""The states of the resident model: what answers in them, and what is left after a failure."""

import threading
import time
from typing import Any

import pytest

from tests.support.processes import wait_until
from worker.background_load import BackgroundLoad
from worker.states import (
    AwaitingProcess,
    Degraded,
    Empty,
    LoadingBeside,
    Outdated,
    Serving,
    State,
    Target,
)

OLD, NEW = Target("old", 1), Target("new", 1)
CHAMPION: Any = "the champion"
BASELINE: Any = "the baseline"
SOON = time.monotonic() + 3600


def serving() -> Serving:
    return Serving(classifier=CHAMPION, loaded_for=OLD, tried=OLD)


def degraded() -> Degraded:
    return Degraded(classifier=BASELINE, tried=OLD, retry_at=SOON)


def test_a_state_is_current_until_its_target_moves_or_a_retry_is_due() -> None:
    assert serving().is_current(OLD)
    assert not serving().is_current(NEW)
    assert not serving().is_current(Target("old", 2))  # the taxonomy
    assert not Outdated(tried=NEW, retry_at=time.monotonic()).is_current(NEW)
    assert not Empty().is_current(OLD)


def test_while_a_thread_reads_even_another_move_waits() -> None:
    go_on = threading.Event()
    load = BackgroundLoad(lambda: go_on.wait(60))  # type: ignore[arg-type,return-value]
    state = LoadingBeside(classifier=CHAMPION, loaded_for=OLD, tried=NEW, load=load)

    assert state.is_current(NEW)
    assert state.is_current(OLD)

    go_on.set()
    wait_until(lambda: load.is_done, 60, "the thread has ended")
    assert not state.is_current(NEW)


@pytest.mark.parametrize(
    ("before", "left"),
    [(Empty(), Empty), (serving(), Outdated), (degraded(), Degraded)],
    ids=["empty", "serving", "degraded"],
)
def test_after_a_failure_what_answered_answers_on(before: State, left: type[State]) -> None:
    after = before.after_failure(NEW, SOON)

    assert type(after) is left
    assert (after.classifier, after.loaded_for) == (before.classifier, before.loaded_for)
    assert (after.tried, after.retry_at) == (NEW, SOON)


def test_the_baseline_alone_is_degraded() -> None:
    assert [s.degraded for s in (Empty(), serving(), degraded())] == [False, False, True]


def test_without_its_champion_a_state_has_the_baseline_or_nothing() -> None:
    assert serving().with_baseline(BASELINE) == Degraded(classifier=BASELINE, tried=OLD)
    assert serving().with_baseline(None) == Empty(tried=OLD)


@pytest.mark.parametrize("baseline", [BASELINE, None])
def test_a_process_that_is_to_end_does_so_whatever_answers(baseline: Any) -> None:
    state = serving().awaiting_process()
    assert (type(state), state.classifier) == (AwaitingProcess, CHAMPION)

    assert type(state.after_failure(NEW, SOON)) is AwaitingProcess
    left = state.with_baseline(baseline)
    assert (type(left), left.classifier, left.loaded_for) == (AwaitingProcess, baseline, None)
