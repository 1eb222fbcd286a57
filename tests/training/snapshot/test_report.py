"""The report tells of every row, and quotes no text."""

from tests.support.snapshots import decided, row, text
from training.snapshot.report import report_lines, report_of
from training.snapshot.rows import PARTS, Part, Row


def test_the_report_counts_and_is_told_in_lines() -> None:
    parts: dict[Part, list[Row]] = {part: [] for part in PARTS}
    parts["training"] = [row(1, "A"), row(2, "A"), decided(3, "B", weight=0.3)]
    parts["frozen"] = [row(4)]

    report = report_of(
        {"seed": 7, "decisions": 1}, parts, {"no text": 2}, [["line 8 (A)", "line 9 (B)"]], 3
    )
    lines = report_lines("000001-abc", report)

    assert report["parts"] == {"training": 3, "validation": 0, "frozen": 1, "recent": 0}
    assert report["asked"] == {"doubtful": 1}
    assert report["weight"] == 2.3
    assert report["characters"] == {"least": 20, "median": 20, "p90": 20, "most": 20}
    assert lines[0] == "snapshot 000001-abc: training 3, validation 0, frozen 1, recent 0"
    assert lines[2:4] == [
        "units: 3 active, 2 taught",
        "tickets of the rarest unit that is taught: 1",
    ]
    assert lines[-2:] == [
        "left out: 2 (no text)",
        "near-duplicates with different units: 1 groups, such as line 8 (A) and line 9 (B)",
    ]
    assert text(1) not in f"{report} {lines}"


def test_an_empty_snapshot_has_a_report() -> None:
    report = report_of({}, {part: [] for part in PARTS}, {}, [], 0)

    assert report["units"] == {"active": 0, "taught": 0, "fewest": 0}
    assert len(report_lines("x", report)) == 6
