"""Steps of a loop: a fault that lasts is two lines in the log."""

import logging

import pytest

from producer.steps import Steps


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(vars(record)["action"], vars(record)["step"]) for record in caplog.records]


def test_a_lasting_fault_is_told_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    steps = Steps()

    for _ in range(3):
        steps.failed("publish live", OSError(28, "secret"))
    assert steps.failing("publish live")
    steps.worked("publish live")
    steps.worked("publish live")

    assert not steps.failing("publish live")
    assert logged(caplog) == [
        ("step.failed", "publish live"),
        ("step.recovered", "publish live"),
    ]
    assert "secret" not in str([vars(record) for record in caplog.records])


def test_another_fault_of_the_same_step_is_told_too_and_each_step_has_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps = Steps()

    steps.failed("one", OSError(28, ""))
    steps.failed("one", TimeoutError())
    steps.failed("one", OSError(28, ""))
    steps.failed("two", OSError(28, ""))

    assert [step for _, step in logged(caplog)] == ["one", "one", "two"]
    assert (steps.failing("one"), steps.failing("three")) == (True, False)
