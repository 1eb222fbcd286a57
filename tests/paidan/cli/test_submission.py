"""A submission goes chunk by chunk, and what was read before a fault is in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import InputError
from db import Database
from db.tickets import NewTicket
from paidan.cli.rejects import Rejects
from paidan.cli.submission import Submission
from paidan.progress.push import PushProgress
from producer.submit import Submitter
from producer.tickets.outcome import Reject
from tests.support.answers import erase
from tests.support.make import new_ticket

Item = tuple[int, NewTicket | Reject]


@pytest.fixture
def submission(submitter: Submitter, tmp_path: Path) -> Submission:
    return Submission(submitter, Rejects(tmp_path / "t.csv", tmp_path / "r.jsonl"))


def submit(submission: Submission, items: Iterator[Item]) -> None:
    with PushProgress(quiet=True) as progress:
        submission.submit(items, progress)


def test_tickets_go_in_and_the_others_are_refused_with_their_lines(
    submission: Submission, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(submission, iter([(2, new_ticket(1)), (3, new_ticket(2))]))
    erase(database, "t2")

    items: list[Item] = [
        (2, new_ticket(1)),
        (3, new_ticket(1, text="别的事")),
        (4, new_ticket(2)),
        (5, Reject(5, "text", "it is blank", {})),
        (6, new_ticket(3)),
    ]
    submit(submission, iter(items))

    assert (submission.result.added, submission.result.known) == (3, 1)
    told = capsys.readouterr().err
    assert "line 3, external_id: 't1' is stored already with another text" in told
    assert "line 4" in told
    assert "line 5, text: it is blank" in told
    assert "路灯坏了 2" not in (submission._refused.target.read_text("utf-8"))


def test_a_file_that_breaks_off_leaves_in_what_was_read(
    submission: Submission, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Iterator[Item]:
        yield 2, new_ticket(1)
        raise InputError("line 3: it ends here")

    with pytest.raises(InputError):
        submit(submission, broken())

    assert submission.result.added == 1
    assert "1 tickets before the fault were submitted" in capsys.readouterr().err
