"""The scheduler: who joins, who overtakes, and what happens where memory is short."""

import itertools

import pytest
import torch

from classifier.engine.engine import Engine
from classifier.engine.request import Question
from classifier.labels.template import PromptUnit
from classifier.labels.trie import LabelTrie
from classifier.model.backbone import Backbone, load_backbone
from classifier.model.bases.base import Base
from classifier.model.kv_cache import PAGE, new_cache
from classifier.model.pack import Pack
from classifier.model.runner import Answers
from core.errors import InputError
from tests.support.models import TICKETS, make_prompt, random_base
from tests.support.scores import largest_gap

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("base"))


@pytest.mark.parametrize("ahead", [0, 1])
def test_tickets_that_join_while_others_are_read_are_answered_alike(
    base: Base, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer), token_budget=120)
    trie = LabelTrie(engine.prompt.labels, backbone.end)
    root = trie.restricted(frozenset(engine.prompt.labels))
    texts = [text + str(n) for n in range(8) for text in TICKETS]
    assert len(texts) % 4 == 0
    expected = engine.scores(texts)
    held = held_pages(backbone)
    monkeypatch.setattr(backbone.runner, "ahead", ahead)

    scheduler, coming, searches, finished = engine.scheduler(), list(texts), [], 0
    joined = set()
    while coming or not scheduler.is_done:
        while coming and scheduler.has_room:
            some, coming = coming[:4], coming[4:]
            requests = engine.requests(engine.prompt.tickets(some), [Question(root, None)] * 4)
            scheduler.add(requests)
            searches += [request.search for request in requests]
            joined.add(finished)
        finished += len(scheduler.step())

    assert finished == len(texts)
    assert largest_gap([search.scores for search in searches], expected) < 1e-4
    assert held_pages(backbone) == held
    # Some joined while others were read, where the runner works ahead; else batch after batch.
    assert any(count % 4 for count in joined) == bool(ahead)


def test_a_live_ticket_overtakes_and_takes_one_forward(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer), token_budget=800)
    trie = LabelTrie(engine.prompt.labels, backbone.end)
    root = trie.restricted(frozenset(engine.prompt.labels))
    texts = [text + str(n) for n in range(30) for text in TICKETS]
    [expected] = engine.scores([TICKETS[0]])
    monkeypatch.setattr(backbone.runner, "ahead", 1)

    scheduler = engine.scheduler()
    tickets = engine.prompt.tickets(texts)
    scheduler.add(engine.requests(tickets, [Question(root, None)] * len(texts)))
    scheduler.step()
    [waited_for] = engine.prompt.tickets([TICKETS[0]])
    [request] = engine.requests([waited_for], [Question(root, None)], live=[True])
    scheduler.add([request])
    finished = [*scheduler.step(), *scheduler.step()]

    assert request in finished
    assert len(finished) < len(texts) / 2
    assert largest_gap([request.search.scores], [expected]) < 1e-4
    scheduler.close()


def held_pages(backbone: Backbone) -> int:
    cache = backbone.runner.cache
    return cache.rows // PAGE - cache.free_pages


def limit_memory(backbone: Backbone, tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the runner fail, as a GPU does, on more than so many tokens."""
    start = backbone.runner.start

    def limited(pack: Pack) -> Answers:
        if len(pack.ids) > tokens:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return start(pack)

    monkeypatch.setattr(backbone.runner, "start", limited)
    # What is set on it is put back with the rest.
    monkeypatch.setattr(backbone.runner, "token_budget", backbone.runner.token_budget)


def test_out_of_memory_halves_the_forwards_and_is_remembered(
    base: Base, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer))
    texts = [text + str(n) for n in range(40) for text in TICKETS]
    expected = engine.scores(texts)
    free = backbone.runner.cache.free_pages
    limit_memory(backbone, 3000, monkeypatch)

    found = engine.scores(texts)
    told = caplog.text.count("no GPU memory for a forward")
    again = engine.scores(texts)

    assert largest_gap(found, expected) < 1e-4
    assert again == found
    assert 1500 <= engine.token_budget <= 3000
    assert backbone.runner.token_budget == engine.token_budget
    assert told == caplog.text.count("no GPU memory for a forward") >= 1
    assert backbone.runner.cache.free_pages == free


def test_a_ticket_for_which_there_is_no_memory_even_alone_is_refused(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer))
    short = engine.scores(TICKETS[:1])
    free = backbone.runner.cache.free_pages
    limit_memory(backbone, 100, monkeypatch)

    with pytest.raises(InputError, match=r"a ticket of \d+ tokens does not fit into the GPU's mem"):
        engine.scores([TICKETS[0] * 20])

    assert backbone.runner.cache.free_pages == free
    assert largest_gap(engine.scores(TICKETS[:1]), short) < 1e-4


def test_guesses_are_given_up_before_a_ticket_is(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer))
    expected = engine.scores(TICKETS[:3])
    longest = max(len(ids) for ids in engine.prompt.tickets(TICKETS[:3]))
    limit_memory(backbone, longest + len(engine.prompt.suffix), monkeypatch)

    for ahead in (0, 1):
        monkeypatch.setattr(backbone.runner, "ahead", ahead)
        assert largest_gap(engine.scores(TICKETS[:3]), expected) < 1e-4


def test_a_small_forward_without_memory_does_not_make_all_small(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer))
    expected = engine.scores(TICKETS[:1])
    budget, start, calls = engine.token_budget, backbone.runner.start, itertools.count()

    def fail_once(pack: Pack) -> Answers:
        if next(calls) == 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return start(pack)

    monkeypatch.setattr(backbone.runner, "start", fail_once)

    assert largest_gap(engine.scores(TICKETS[:1]), expected) < 1e-4
    assert (engine.token_budget, backbone.runner.token_budget) == (budget, budget)


def test_short_tickets_whose_names_are_all_ranked_wait_for_room_in_the_cache(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given tickets of a few tokens, each with many more label tokens, and a cache that is kept
    backbone = load_backbone(base, "full", CPU)
    names = ["".join(name) for name in itertools.product("甲乙", repeat=7)]  # a step a character
    units = [PromptUnit(f"U{n}", name) for n, name in enumerate(names)]
    prompt = make_prompt(backbone.tokenizer, units)
    texts = [f"路灯坏了{n}" for n in range(60)]
    expected = Engine(backbone, None, prompt).scores(texts)
    cache = new_cache(backbone.model, 48, steady=True)
    monkeypatch.setattr(backbone.runner, "cache", cache)
    rows = cache.rows

    # When all are scored
    found = Engine(backbone, None, prompt, token_budget=2_000).scores(texts)

    # Then the cache has kept its size: on a GPU there may be no memory for a larger one
    assert cache.rows == rows
    assert largest_gap(found, expected) < 1e-4
