"""What would teach a ticket that judges is refused, with its place."""

from dataclasses import replace

import pytest

from core.errors import SnapshotError
from tests.support.snapshots import row
from training.snapshot.leaks import refuse_leaks
from training.snapshot.rows import PARTS, Part, Row


def parts(**rows: list[Row]) -> dict[Part, list[Row]]:
    return {part: rows.get(part, []) for part in PARTS}


@pytest.mark.parametrize("judged", ["frozen", "recent"])
@pytest.mark.parametrize("learned", ["training", "validation"])
def test_a_judged_ticket_or_its_near_duplicate_is_not_taught(judged: str, learned: str) -> None:
    same = parts(**{judged: [row(1)], learned: [row(2), replace(row(1), group=9)]})
    near = parts(**{judged: [row(1)], learned: [replace(row(2), group=1)]})

    moved = replace(row(1), text=f" {row(1).text}！", group=9)
    spelt = parts(**{judged: [row(1)], learned: [row(2), moved]})

    with pytest.raises(SnapshotError, match=rf"x would teach 1 tickets of the {judged}.*line 1 \("):
        refuse_leaks(same, "x")
    with pytest.raises(SnapshotError, match=rf"x would teach 1 tickets of the {judged}"):
        refuse_leaks(spelt, "x")
    with pytest.raises(SnapshotError, match=r"cannot be judged.*Build the snapshot anew"):
        refuse_leaks(near, "x")


def test_parts_that_share_nothing_pass() -> None:
    refuse_leaks(
        parts(training=[row(1)], validation=[row(2)], frozen=[row(3)], recent=[row(4)]), ""
    )
