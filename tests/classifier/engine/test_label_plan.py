"""The plan of labels: guesses where they cost next to nothing, and else what is needed."""

from collections.abc import Sequence

from classifier.engine.budget import CHEAP_TOKENS
from classifier.engine.label_plan import LIVE_SHARE, WIDTH, plan_labels
from classifier.engine.request import Question, Request
from classifier.labels.trie import LabelTrie
from classifier.model.segment import Segment

NAMES = 30
LABELS = {f"U{n:02}": (1, n + 10, n + 10, 7) for n in range(NAMES)}
ROOT = LabelTrie(LABELS, end=0).restricted(frozenset(LABELS))
ALL_READ = 1 + NAMES * 2
"""Label tokens that are read of a trie: the shared first one, and all but each name's last."""
BUDGET = 16_000


def new(count: int, length: int = 20, *, live: bool = False) -> list[Request]:
    """Return requests whose ticket was not read."""
    return [
        Request(Question(ROOT, 5), Segment([3] * length, ticket=n), is_live=live)
        for n in range(count)
    ]


def running(count: int) -> list[Request]:
    """Return requests whose ticket was read; one name has nearly all of the probability."""
    requests = new(count)
    for request in requests:
        request.plan(1)
        request.build_segments()
        request.feed(iter([0.0, -1e-6, *[-20.0] * (NAMES - 1)]), iter(()))
    return requests


def plan(
    waiting: Sequence[Request] = (),
    running: Sequence[Request] = (),
    *,
    budget: int = BUDGET,
    works_ahead: bool = True,
    is_idle: bool = False,
) -> None:
    plan_labels(waiting, running, budget, is_idle=is_idle, works_ahead=works_ahead)


def test_few_tickets_that_find_the_device_idle_read_all_labels_at_once() -> None:
    few, many = new(2), new(CHEAP_TOKENS // ROOT.stop + 1)

    plan(few, is_idle=True)
    plan(many, is_idle=True)

    assert [request.cost for request in few] == [20 + ALL_READ] * 2
    assert {request.cost for request in many} == {20 + 1}


def test_live_tickets_read_all_labels_up_to_their_share_of_a_forward() -> None:
    share = 4 * (20 + ROOT.stop)
    live = new(5, live=True)

    plan(live, budget=LIVE_SHARE * share)

    assert [request.cost for request in live] == [20 + ALL_READ] * 4 + [20 + 1]


def test_a_ticket_that_fills_the_budget_is_read_without_labels() -> None:
    [request] = new(1, length=50)

    plan([request], budget=50)

    assert request.cost == 50


def test_beside_new_tickets_only_what_is_needed_is_read() -> None:
    [request] = running(1)

    plan(new(1), [request])

    assert request.cost == 2


def test_a_forward_of_labels_alone_is_filled_with_guesses() -> None:
    few, many = running(2), running(CHEAP_TOKENS)

    plan(running=few)
    plan(running=many)

    assert [request.cost for request in few] == [ALL_READ - 1] * 2
    assert {request.cost for request in many} == {2 * WIDTH}


def test_a_runner_that_does_not_work_ahead_guesses_beside_new_tickets_too() -> None:
    [request] = running(1)

    plan(new(1), [request], works_ahead=False)

    assert request.cost == 2 * WIDTH
