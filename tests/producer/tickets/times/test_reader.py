"""Times: the forms that are read, what means none, and what is left unread as unclear."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.tickets.times.reader import TwoTimesError, UnreadTimeError, read_time

SHANGHAI = ZoneInfo("Asia/Shanghai")
HALF_PAST_NINE = datetime(2026, 3, 1, 9, 30, tzinfo=SHANGHAI)


def read(value: Any, *formats: str) -> datetime | None:
    return read_time(value, SHANGHAI, formats)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-01T09:30:00", "2026-03-01 09:30", "2026-3-1 9:30", "2026-03-01 9:30:00"),
        *("2026-03-01 09:30:00.0", "2026-03-01 09:30:00.000", "2026/03/01 09:30:00,000"),
        *("2026/3/1 9:30:00", "2026.3.1 9:30", "2026:03:01 09:30:00", "2026-03-01, 09:30"),
        *("2026-03-01T01:30:00Z", "2026-03-01T09:30:00+0800", "2026-03-01 09:30:00 +08:00"),
        *("2026-03-01 09:30:00 +0800 CST", "2026-03-01 09:30 CST", "2026-03-01 09:30 UTC+8"),
        *("2026-03-01T09:30:00+08:00[Asia/Shanghai]", "20260301T013000Z", "20260301T0930+08"),
        *("2026年3月1日 9:30:00", "2026年03月01日 09:30"),
        *("2026年3月1日9时30分", "2026年3月1日 9点半"),
        *("2026 年 3 月 1 日 9 时 30 分 0 秒", "2026年3月1日 星期日 上午9:30", "2026/3/1 上午9:30"),
        *("2026/3/1 9:30 AM", "2026/3/1 am 9:30"),
        *("２０２６－０３－０１　０９：３０", "2026-03-01 周日 09:30"),
        *("1 Mar 2026 9:30", "Mar 1, 2026 9:30 a.m."),
        *("1-MAR-2026 09.30.00", "March 1st, 2026 09:30"),
        *("Sun, 01 Mar 2026 09:30:00 +0800", "Sun, 1 Mar 2026 01:30:00 GMT"),
        *("Sun Mar 01 09:30:00 CST 2026", "Sun Mar  1 09:30:00 2026"),
        *("Sun Mar 01 2026 09:30:00 GMT+0800 (中国标准时间)", "2026-03-01-09.30.00.000000"),
        *("202603010930", "20260301093000", "20260301093000000", "20260301093000.0"),
        *("1772328600", "1772328600000", "1772328600000000", "1772328600.0", "46082.3958333333"),
        *('="2026-03-01 09:30"', "\u200e2026/3/1 9:30\ufeff", "2026-W09-7 09:30"),
    ],
)  # fmt: skip
def test_the_forms_that_systems_write_are_read(text: str) -> None:
    assert read(text) == HALF_PAST_NINE


@pytest.mark.parametrize(
    "text", ["2026年3月1日", "20260301", "46082", "2026-03-01", "1 March 2026", "20260301.0"]
)
def test_a_day_alone_begins_at_midnight(text: str) -> None:
    assert read(text) == datetime(2026, 3, 1, tzinfo=SHANGHAI)


@pytest.mark.parametrize("value", [None, float("nan"), "", " ", "-", "--", "NULL", "null", "N/A"])
def test_placeholders_are_no_time(value: Any) -> None:
    assert read(value) is None


@pytest.mark.parametrize(
    "text",
    ["无", "未知", "nan", "NaT", "0000-00-00", "0000-00-00 00:00:00", "0000/00/00", "00000000"],
)
def test_words_and_zero_dates_are_no_time(text: str) -> None:
    assert read(text) is None


def test_a_spreadsheets_dates_are_taken_as_they_are() -> None:
    assert read(datetime(2026, 3, 1, 9, 30)) == HALF_PAST_NINE  # noqa: DTZ001
    assert read(date(2026, 3, 1)) == datetime(2026, 3, 1, tzinfo=SHANGHAI)
    assert read(46082.395833333336) == HALF_PAST_NINE
    assert read(1772328600) == HALF_PAST_NINE


@pytest.mark.parametrize(
    "text",
    [
        *("03/04/2026", "13/04/2026", "04/13/2026", "1/3/2026 9:30", "03/01/2026 09:30:00 PM"),
        *("01.03.2026", "1-3-2026", "3/4/26", "Sun 3/4/2026 9:30"),
    ],
)
def test_a_day_and_month_that_may_change_places_are_not_read(text: str) -> None:
    with pytest.raises(TwoTimesError, match=r"day or the month first.*--time-format '%d/%m/%Y"):
        read(text)


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "12月31日", "2026", "202603", "26年3月1日", "01-MAR-26", "12345", "-5", "0"),
        *("2026-02-30", "20261301", "2026-13-01", "99991231"),
        *("2026-03-01 25:00", "2026-03-01 24:01"),
        *("2026/3/1 上午15:00", "2026/3/1 0:30 PM"),
        *("2026/3/1 晚上12:00", "2026/3/112:30", "1.76E+12"),
        *("Sun Mar 01 09:30:00 EST 2026", "2026-03-01 09:30 PST", "2026-03-01 930"),
        *("0001-01-01 00:00:00", "9999-12-31T23:59:59-08:00", "2026-03-01 09:30~10:30"),
        *(True, ["2026-03-01"], {"$date": 1}, time(9, 30), timedelta(1), float("inf"), "9" * 400),
    ],
)  # fmt: skip
def test_what_is_no_time_is_not_guessed(value: Any) -> None:
    with pytest.raises(UnreadTimeError):
        read(value)


@given(
    st.text(max_size=30) | st.from_regex(r"[0-9]{1,4}[-/.: ][0-9年月日:TZ+ ]{1,20}") | st.floats()
)
def test_whatever_comes_is_an_aware_time_or_is_told(value: Any) -> None:
    try:
        found = read(value)
    except UnreadTimeError:
        return
    assert found is None or found.tzinfo is not None


FORMS = (
    *("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %I:%M:%S %p", "%Y年%m月%d日 %H时%M分%S秒", "%Y%m%d%H%M%S"),
    *("%d %b %Y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%Y.%m.%d %H:%M:%S.%f"),
)


@hypothesis.settings(max_examples=50)
@given(st.integers(10**9, 4 * 10**9), st.sampled_from(FORMS))
def test_what_a_system_writes_is_read_back(seconds: int, form: str) -> None:
    moment = datetime.fromtimestamp(seconds, SHANGHAI)

    assert read(moment.strftime(form)) == moment


def test_a_time_that_the_clocks_skip_is_no_error() -> None:
    assert read_time("2026-03-29 02:30", ZoneInfo("Europe/Berlin")) is not None


def test_a_named_format_goes_first_and_the_others_stay() -> None:
    formats = ["%d/%m/%Y %H:%M", "%d/%m/%Y"]

    assert read("1/3/2026 9:30", *formats) == HALF_PAST_NINE
    assert read("13/04/2026", *formats) == datetime(2026, 4, 13, tzinfo=SHANGHAI)
    assert read("2026-03-01 09:30", *formats) == HALF_PAST_NINE
    assert read("03012026", "%m%d%Y") == datetime(2026, 3, 1, tzinfo=SHANGHAI)
