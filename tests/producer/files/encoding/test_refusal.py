"""The refusal shows a line as each candidate reads it."""

from pathlib import Path

from producer.files.encoding.line_sample import LineSample
from producer.files.encoding.reading import Reading
from producer.files.encoding.refusal import candidates, unclear


def test_of_a_long_line_the_part_beyond_ascii_is_shown_without_damage() -> None:
    line = "x" * 100 + "路灯\udcff" + "y" * 100

    told = str(unclear(Path("t.csv"), 7, [("gb18030", line), ("cp1252", line.upper())]))

    assert told.startswith("t.csv, line 7: the encoding is not clear; this line would read as ")
    assert f"gb18030 ('{'x' * 15}路灯\ufffd{'y' * 12}'); cp1252 ('XXX" in told
    assert told.endswith("Name it with --encoding NAME, or save the file as UTF-8")


def test_the_first_line_in_which_the_readings_differ_is_shown() -> None:
    sample = LineSample([(2, b""), (5, b""), (9, b"")])
    one = Reading("gb18030", ["a", "路", "灯"], [0.0] * 3)
    other = Reading("big5", ["a", "繚", "腑"], [0.0] * 3)

    told = str(candidates(Path("t.csv"), sample, [one, other]))

    assert "line 5: " in told
    assert "gb18030 ('路'); big5 ('繚')" in told
