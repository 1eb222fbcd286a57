"""A short run of the chaos in ``tests/whole/chaos``; ``make chaos SEED=…`` runs longer ones."""

from pathlib import Path

import pytest

from tests.whole.chaos.faults import KINDS
from tests.whole.chaos.run import endure
from tests.whole.chaos.schedule import make_schedule
from tests.whole.chaos.watch import Idle
from tests.whole.chaos.world import Plan

SECONDS = 6.0


@pytest.mark.kill
@pytest.mark.parametrize(("database", "seed"), [("sqlite", 161), ("postgresql", 84)])
def test_nothing_is_lost_doubled_or_silent_under_a_seeds_faults(
    database: str, seed: int, tmp_path: Path
) -> None:
    # Given servers, a relay, two busy workers, producers and a person; when faults strike them
    plan = Plan(seed, database, SECONDS, drain=60, silent_after=25, quick=True)
    tmp_path.chmod(0o755)
    report = endure(plan, tmp_path / "run")

    # Then everything that was handed in was done once, soon after the last fault
    assert report.problems == [], "\n".join(report.problems + report.schedule)
    assert report.tickets > 100
    assert report.faults > 4


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_seed_says_which_faults_come_and_a_long_run_has_all_of_them(database: str) -> None:
    first = make_schedule(7, database, 180, quick=False)

    assert first == make_schedule(7, database, 180, quick=False)
    assert first != make_schedule(8, database, 180, quick=False)
    kinds = {name for name, kind in KINDS.items() if database in kind.databases}
    assert {fault.kind for fault in first} == kinds


def test_faults_of_one_target_do_not_overlap_and_each_minute_has_a_calm() -> None:
    schedule = make_schedule(3, "postgresql", 600, quick=False)

    for number, fault in enumerate(schedule):
        for later in schedule[number + 1 :]:
            if KINDS[later.kind].target == KINDS[fault.kind].target:
                assert later.at >= fault.at + fault.lasts
    assert all((fault.at + fault.lasts) % 60 < 38 for fault in schedule)
    assert all(fault.at % 60 < 38 for fault in schedule)


def test_a_worker_is_idle_while_it_could_work_and_until_it_does() -> None:
    idle = Idle()
    for sign, works, is_judged in [
        ("start", False, True),  # a new sign: it just did something
        ("start", False, True),
        ("start", False, False),  # a fault is going on
        ("start", False, True),
    ]:
        idle.note(sign, works=works, is_judged=is_judged, passed=1.0)
    assert idle.seconds == 2.0

    idle.note("start", works=True, is_judged=True, passed=1.0)

    assert (idle.seconds, idle.longest) == (0.0, 2.0)
