"""The forms of written times: plain text, and the parts of a date in it."""

import pytest

from producer.tickets.times.forms import parts_of, plain_text, without_weekday


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (" 2026\u3000年 3 月 1 日 ", "2026年3月1日"),
        ("２０２６－０３－０１　０９：３０", "2026-03-01 09:30"),
        ('="2026-03-01"', "2026-03-01"),
        ("\u200e1 MAR\t2026\ufeff", "1 mar 2026"),
        ("2026\u22123\u22121", "2026-3-1"),
    ],
)
def test_width_case_spaces_and_what_is_not_seen_are_gone(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@pytest.mark.parametrize("text", ["星期日 3/4/2026", "sunday, 3/4/2026", "3/4/2026 (周日)"])
def test_a_weekday_is_left_out(text: str) -> None:
    assert without_weekday(text) == "3/4/2026"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-3-1", {"y": "2026", "m": "3", "d": "1"}),
        ("sun mar 1 09:30:00 cst 2026", {"month": "mar", "h": "09", "abbreviation": "cst"}),
        ("2026年3月1日 上午9点半", {"before": "上午", "h": "9", "half": "半"}),
        ("2026-03-01-05:00", {"h": None, "day_zone": "-05:00"}),
        ("2026-03-01-09.30.00", {"h": "09", "mi": "30", "day_zone": None}),
        ("2026-w09-7", {"week": "09", "d": "7"}),
        ("20260301t0930+08", {"h": "09", "mi3": "30", "zone": "+08"}),
    ],
)
def test_a_date_has_its_parts(text: str, found: dict[str, str | None]) -> None:
    parts = parts_of(text)

    assert parts is not None
    assert {name: parts[name] for name in found} == found


@pytest.mark.parametrize("text", ["03/04/2026", "2026/3/112:30", "2026-03-01 930", "", "26-3-1"])
def test_a_text_of_another_form_has_none(text: str) -> None:
    assert parts_of(text) is None
