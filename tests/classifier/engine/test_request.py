"""A request: what it plans, what it asks, and how its search ends."""

import math

import pytest

from classifier.engine.request import Question, Request
from classifier.labels.trie import LabelTrie
from classifier.model.segment import LABELS as LABEL_ORDER
from classifier.model.segment import Segment

LABELS = {"A": (1, 2, 3), "B": (1, 2, 4, 5), "C": (1, 2, 4, 6, 7), "D": (8,), "E": (9, 9)}
LIKELY, UNLIKELY = math.log(0.9), math.log(1e-7)


@pytest.fixture
def request_() -> Request:
    root = LabelTrie(LABELS, end=0).restricted(frozenset(LABELS))
    return Request(Question(root, top_k=1), Segment([50, 51, 52], ticket=7))


def read(request: Request, likely: set[int]) -> bool:
    """Run a forward that finds the tokens ``likely``; return whether the search is certain."""
    request.build_segments()
    asked = [token for _, tokens in request.asked() for token in tokens]
    return request.feed(
        iter([LIKELY if token in likely else UNLIKELY for token in asked]), iter(())
    )


def test_a_new_request_reads_its_ticket_and_what_most_names_begin_with(request_: Request) -> None:
    request_.plan(1)

    request_.build_segments()

    ticket, shared = request_.segments
    assert ticket is request_.ticket
    assert (list(shared.tokens), shared.above, shared.ticket) == ([1, 2], ticket, 7)
    assert (shared.first, shared.stop) == (LABEL_ORDER, LABEL_ORDER + 7)
    assert request_.cost == 5
    # After the ticket's last token and after each of the shared ones
    assert list(request_.asked()) == [(2, [1, 8, 9]), (3, [2]), (4, [3, 4])]
    assert request_.has_guesses


def test_with_no_width_a_new_request_reads_its_ticket_alone(request_: Request) -> None:
    request_.plan(0)

    request_.build_segments()

    assert request_.segments == [request_.ticket]
    assert not request_.has_guesses


def test_a_guess_that_was_right_saves_a_forward(request_: Request) -> None:
    request_.plan(1)

    assert read(request_, {1, 2, 3})
    assert not request_.is_new
    assert request_.search.ranking()[0][0] == "A"


def test_a_search_goes_on_until_it_is_certain(request_: Request) -> None:
    request_.plan(0)
    forwards = 1
    while not read(request_, {1, 2, 4, 6, 7}):
        forwards += 1

    assert forwards == 4  # the ticket, then (1, 2), then (4,), then (6, 7)
    assert request_.search.ranking()[0][0] == "C"


def test_all_labels_take_one_forward_of_the_full_cost_at_most(request_: Request) -> None:
    request_.plan_all()

    assert request_.cost <= request_.full_cost == 3 + 10
    assert read(request_, {9})
    assert request_.search.ranking()[0][0] == "E"


def test_a_forward_that_did_not_run_is_planned_again_without_guesses(request_: Request) -> None:
    request_.plan(0)
    read(request_, {1, 2, 4, 6, 7})
    request_.plan_all()
    request_.build_segments()

    request_.preempt()

    assert request_.cost == 2
    assert not request_.has_guesses
    request_.build_segments()
    assert [list(segment.tokens) for segment in request_.segments] == [[1, 2]]
