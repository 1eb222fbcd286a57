"""What would teach a ticket that judges is refused, with its place."""

from dataclasses import replace

import pytest

from core.errors import SnapshotError
from tests.support.snapshots import like, row, samples
from training.samples import Sample
from training.snapshot.leaks import refuse_frozen, refuse_leaks
from training.snapshot.rows import PARTS, Part, Row


def parts(**rows: list[Row]) -> dict[Part, list[Row]]:
    return {part: rows.get(part, []) for part in PARTS}


@pytest.mark.parametrize("judged", ["frozen", "recent"])
@pytest.mark.parametrize("learned", ["training", "validation"])
def test_a_judged_ticket_or_its_near_duplicate_is_not_taught(judged: str, learned: str) -> None:
    same = parts(**{judged: [row(1)], learned: [row(2), replace(row(1), group=9)]})
    near = parts(**{judged: [row(1)], learned: [replace(row(2), group=1)]})

    with pytest.raises(SnapshotError, match=rf"x would teach 1 tickets of the {judged}.*line 1 \("):
        refuse_leaks(same, "x")
    with pytest.raises(SnapshotError, match=r"cannot be judged.*Build the snapshot anew"):
        refuse_leaks(near, "x")


def test_parts_that_share_nothing_pass() -> None:
    refuse_leaks(
        parts(training=[row(1)], validation=[row(2)], frozen=[row(3)], recent=[row(4)]), ""
    )


def test_samples_from_elsewhere_are_refused_by_their_texts() -> None:
    others = samples(range(10, 20))
    refuse_frozen(others, [row(1)], "the file")

    with pytest.raises(SnapshotError, match=r"the file would teach 1 .*line 7"):
        refuse_frozen([*others, Sample(like(1), "B", source="line 7")], [row(1)], "the file")
