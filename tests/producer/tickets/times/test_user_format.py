"""A user's own time format is refused if it tells no whole time."""

import pytest

from core.errors import InputError
from producer.tickets.times.user_format import check_format


@pytest.mark.parametrize(
    ("form", "told"),
    [
        *(("%d/%m", "no year"), ("%Y", "whole time"), ("%d/%m/%Y %I:%M", "%p beside %I")),
        *(("%Y-%m-%d %q", "is no time format"), ("%c %Y", "on each machine"), ("text", "no year")),
    ],
)  # fmt: skip
def test_a_format_that_tells_no_whole_time_is_refused(form: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        check_format(form)


@pytest.mark.parametrize(
    "form", ["%d/%m/%Y %H:%M", "%m/%d/%y", "%d/%m/%Y %I:%M %p", "%Y-%j", "%G-W%V-%u", "%Y%m%d%z"]
)
def test_a_format_that_tells_a_whole_day_is_taken_as_it_is(form: str) -> None:
    assert check_format(form) == form
