"""Continuous batching with thoughts: doubtful tickets are answered behind their thoughts."""

import math
from collections.abc import Iterator

import pytest

from classifier.calibration import HOLD_ALL
from classifier.engine.engine import Engine
from classifier.engine.request import Question
from classifier.engine.thoughts import think
from classifier.interface import Batch, Decision
from classifier.labels.prompt import MIN_TICKET_TOKENS
from classifier.labels.trie import LabelTrie
from classifier.llm import LlmClassifier
from classifier.manifest import Calibration
from classifier.model.bases.base import Base
from tests.support.models import CODES, TICKETS, random_base
from tests.support.runners import thinking_engine

pytestmark = pytest.mark.usefixtures("quick_attention")
LIMIT = 7
ALL = frozenset(CODES)
DOUBT_ALL = Calibration(
    temperature=1.0, threshold=1.0 + 1e-6, error_target=0.05, coverage=0, error=None, held_out=9
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(params=["eager", "compiled"])
def engine(request: pytest.FixtureRequest, base: Base) -> Iterator[Engine]:
    with thinking_engine(base, request.param) as made:
        yield made


def test_doubtful_tickets_are_scored_behind_their_thoughts(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a model that doubts everything, and time enough for a slow machine
    monkeypatch.setattr("classifier.continuous.THINKING_SECONDS", 60.0)
    classifier = LlmClassifier("v", engine, DOUBT_ALL, think_tokens=LIMIT)

    # When it may think
    found = answer_batch(classifier)

    # Then each answer is that of the ticket with its thought
    tickets = engine.prompt.to_think(engine.prompt.tickets(TICKETS), LIMIT)
    thoughts = think(engine, tickets, LIMIT, math.inf)
    assert all(thoughts)
    root = LabelTrie(engine.prompt.labels, engine.backbone.end).restricted(CODES)
    scheduler = engine.scheduler()
    requests = engine.requests(tickets, [Question(root, 5)] * len(tickets), thoughts=thoughts)
    scheduler.add(requests)
    while not scheduler.is_done:
        scheduler.step()
    for decision, request in zip(found, requests, strict=True):
        unit, probability = request.search.ranking()[0]
        assert decision.unit == unit
        assert decision.probability == pytest.approx(probability, abs=1e-4)
        assert decision.held_back == "doubtful"
    assert found != classifier.classify(TICKETS, [ALL] * len(TICKETS))  # which never thinks


def answer_batch(classifier: LlmClassifier) -> list[Decision]:
    [(_, decisions)] = classifier.classify_batches([Batch(TICKETS, [ALL] * len(TICKETS))])
    return decisions


def test_a_ticket_whose_turn_did_not_come_keeps_its_answer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.continuous.THINKING_SECONDS", -1.0)
    texts = [text * 20 for text in TICKETS]  # cut, if they shared their room with a thought
    classifier = LlmClassifier("v", engine, DOUBT_ALL, think_tokens=400)

    [(_, found)] = classifier.classify_batches([Batch(texts, [ALL] * len(texts))])

    assert found == classifier.classify(texts, [ALL] * len(texts))
    assert engine.counts.thoughts == 0


def test_who_waits_gets_the_first_answer_and_all_batches_come(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given batches that are pending together, one of them live
    monkeypatch.setattr("classifier.continuous.THINKING_SECONDS", 60.0)
    classifier = LlmClassifier("v", engine, DOUBT_ALL, think_tokens=LIMIT)
    first = LlmClassifier("v", engine, DOUBT_ALL)
    batches = [Batch([text], [ALL], str(n), [n == 1]) for n, text in enumerate(TICKETS)]

    answers = {batch.token: found for batch, [found] in classifier.classify_batches(batches)}

    assert len(answers) == len(batches)
    expected = first.classify([TICKETS[1]], [ALL])[0].probability
    assert answers["1"].probability == pytest.approx(expected, abs=1e-4)
    assert engine.counts.thoughts == len(batches) - 1


@pytest.mark.parametrize("threshold", [0.0, HOLD_ALL])
def test_what_is_sure_or_could_never_be_is_not_thought_about(
    engine: Engine, threshold: float
) -> None:
    sure = DOUBT_ALL.model_copy(update={"threshold": threshold})
    classifier = LlmClassifier("v", engine, sure, think_tokens=LIMIT)

    answer_batch(classifier)

    assert engine.counts.thoughts == 0


def test_a_thought_has_no_more_tokens_than_a_ticket_can_spare(engine: Engine) -> None:
    classifier = LlmClassifier("v", engine, DOUBT_ALL, think_tokens=512)

    assert classifier.think_tokens == engine.prompt.room - MIN_TICKET_TOKENS
