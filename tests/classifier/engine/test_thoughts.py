"""Thoughts: what the model would say by itself, bounded."""

import math
import time
from collections.abc import Iterator

import pytest
import torch
from transformers import AutoModelForCausalLM

from classifier.engine.engine import Engine
from classifier.engine.thoughts import think
from classifier.labels.prompt import MIN_TICKET_TOKENS
from classifier.model.bases.base import Base
from classifier.model.kv_cache import PAGE
from classifier.model.segment import Segment
from tests.support.models import TICKETS, random_base
from tests.support.runners import thinking_engine

pytestmark = pytest.mark.usefixtures("quick_attention")
LIMIT = 7


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(params=["eager", "compiled"])
def engine(request: pytest.FixtureRequest, base: Base) -> Iterator[Engine]:
    with thinking_engine(base, request.param) as made:
        yield made


def alone(base: Base, engine: Engine, ticket: list[int]) -> list[int]:
    """What transformers generates, greedily."""
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32).eval()
    ids = torch.tensor([[*engine.prompt.prefix, *ticket, *engine.prompt.question_end]])
    made = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=LIMIT,
        do_sample=False,
        eos_token_id=-1,
        pad_token_id=0,
    )
    thought: list[int] = made[0, ids.shape[1] :].tolist()
    return thought


def test_a_thought_is_what_the_model_would_say_next(base: Base, engine: Engine) -> None:
    tickets = engine.prompt.tickets(TICKETS)

    thoughts = think(engine, tickets, LIMIT, math.inf, ends=())

    assert thoughts == [alone(base, engine, ticket) for ticket in tickets]
    assert engine.counts.thought_tokens == LIMIT * len(TICKETS)


def test_a_thought_ends_at_its_end_and_the_others_go_on(engine: Engine) -> None:
    tickets = engine.prompt.tickets(TICKETS)
    whole = think(engine, tickets, LIMIT, math.inf, ends=())
    end = whole[0][3]

    ended = think(engine, tickets, LIMIT, math.inf, ends={end})

    expected = [one[: one.index(end)] if end in one else one for one in whole]
    assert ended == expected
    assert max(map(len, ended)) == LIMIT


def test_when_time_is_up_nothing_more_is_thought(engine: Engine) -> None:
    assert think(engine, engine.prompt.tickets(TICKETS), LIMIT, time.monotonic()) == [[]] * 5


def test_thinking_leaves_the_cache_as_it_was(engine: Engine) -> None:
    cache = engine.backbone.runner.cache
    held = cache.rows - cache.free_pages * PAGE

    think(engine, engine.prompt.tickets(TICKETS), LIMIT, math.inf, ends=())

    assert cache.rows - cache.free_pages * PAGE == held


@pytest.mark.parametrize("engine", ["compiled"], indirect=True)
def test_thoughts_are_as_short_as_a_small_cache_wants_them(engine: Engine) -> None:
    runner = engine.backbone.runner
    rows = runner.cache.rows
    runner.cache.place([Segment([1] * (runner.cache.free_rows - 12 * PAGE), ticket=10**6)])

    thoughts = think(engine, engine.prompt.tickets(TICKETS), 100, math.inf, ends=())

    assert [len(thought) for thought in thoughts] == [6] * len(TICKETS)
    assert runner.cache.rows == rows


def test_ticket_and_thought_share_a_tickets_room(engine: Engine) -> None:
    prompt = engine.prompt

    thought = prompt.thought_room(512)
    [ticket] = prompt.to_think(prompt.tickets(["水" * 2000]), thought)

    assert thought == prompt.room - MIN_TICKET_TOKENS
    assert len(ticket) + thought == prompt.room


@pytest.mark.parametrize(
    ("said", "thought"),
    [("先看地点", "先看地点"), ("先看地点\n", "先看地点"), ("\n", ""), ("", "")],
)
def test_the_break_before_the_end_mark_is_no_part_of_a_thought(
    engine: Engine, said: str, thought: str
) -> None:
    prompt = engine.prompt
    ids = [
        prompt.tokenizer([t], add_special_tokens=False, verbose=False)["input_ids"][0]
        for t in (said, thought)
    ]

    assert prompt.without_end(ids[0]) == ids[1]
