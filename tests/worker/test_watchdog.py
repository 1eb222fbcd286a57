"""When the watchdog acts, and when it leaves a worker alone."""

from collections.abc import Iterator
from itertools import count

import pytest

from worker.shared import Shared
from worker.watchdog import Watchdog


class Case:
    """A watchdog with a patience of 10 s, whose every look comes a second after the last."""

    def __init__(self) -> None:
        self.messages: bool | None = True
        self.ended = 0
        self.shared = Shared(refused_at=-1000.0)
        self.dog = Watchdog(self.shared, lambda: self.messages, 10.0, self.end)
        self.clock: Iterator[int] = count(1)

    def end(self) -> None:
        self.ended += 1

    def look(self, times: int) -> None:
        for _ in range(times):
            self.dog.look(float(next(self.clock)))

    @property
    def acted(self) -> bool:
        return bool(self.shared.reconnect or self.ended)


@pytest.fixture
def case() -> Case:
    return Case()


def test_messages_that_wait_and_do_not_come_let_the_parent_connect_anew_then_end(
    case: Case,
) -> None:
    case.look(10)
    assert not case.acted
    case.look(1)
    assert case.shared.reconnect
    assert not case.ended

    case.shared.reconnect = 0
    case.look(9)
    assert not case.acted
    case.look(1)
    assert case.ended == 1


def test_a_message_that_comes_calms_it(case: Case) -> None:
    case.look(9)
    with case.dog.working():
        pass
    case.look(10)
    assert not case.acted


def test_a_lane_full_of_garbage_that_is_dropped_calms_it(case: Case) -> None:
    for _ in range(30):
        case.shared.dropped += 1000
        case.look(1)
    assert not case.acted

    case.look(11)
    assert case.shared.reconnect


def test_after_a_message_it_is_patient_anew(case: Case) -> None:
    case.look(11)
    case.shared.reconnect = 0
    with case.dog.working():
        pass
    case.look(11)
    assert not case.ended
    case.look(1)
    assert case.shared.reconnect
    assert not case.ended


def test_a_message_that_is_worked_on_for_long_is_left_alone(case: Case) -> None:
    """A long forward, a locked database, a model that is loaded: the task lasts."""
    with case.dog.working():
        case.look(500)
    assert not case.acted


@pytest.mark.parametrize("messages", [False, None])
def test_empty_lanes_and_a_redis_that_is_away_are_no_silence(
    case: Case, messages: bool | None
) -> None:
    case.look(9)
    case.messages = messages
    case.look(500)
    case.messages = True
    case.look(9)
    assert not case.acted


def test_a_redis_that_refuses_to_hand_out_is_no_silence(case: Case) -> None:
    for _ in range(100):
        case.look(1)
        case.shared.refused_at = float(next(case.clock))
    assert not case.acted


def test_a_worker_that_stops_is_left_alone(case: Case) -> None:
    case.shared.stopping = 1
    case.look(500)
    assert not case.acted


def test_time_in_which_it_was_stopped_itself_does_not_count(case: Case) -> None:
    case.look(9)
    for _ in range(1000):
        next(case.clock)
    case.look(9)
    assert not case.acted


def test_what_it_waited_for_is_told(case: Case) -> None:
    case.look(8)
    assert case.dog.stalled == 7.0
