"""The packed engine against plain transformers, one ticket at a time."""

import itertools
import random
from pathlib import Path

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from classifier.engine.engine import Engine
from classifier.labels.search import rank
from classifier.labels.trie import LabelTrie
from classifier.model.backbone import Backbone, load_backbone
from classifier.model.base import Base
from classifier.model.kv_cache import PAGE
from classifier.model.lora import CONFIG, WEIGHTS, Adapter, LoraLinear
from classifier.model.pack import Pack
from classifier.model.runner import Answers
from core.errors import InputError
from tests.support.models import CODES, TICKETS, make_prompt, random_base

CPU = torch.device("cpu")
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
Scores = dict[str, float]


@pytest.fixture(scope="module", params=["qwen2", "llama"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp(request.param), request.param)


def plain_model(base: Base) -> "torch.nn.Module":
    return AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32).eval()


def random_adapter(base: Base, directory: Path) -> PeftModel:
    """Write an adapter whose B is not zero; return the model that computes it, by peft."""
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, task_type="CAUSAL_LM")
    model = get_peft_model(plain_model(base), config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(str(directory))
    return model


def read_adapter(directory: Path, backbone: Backbone) -> Adapter:
    config, weights = ((directory / name).read_bytes() for name in (CONFIG, WEIGHTS))
    return Adapter.parse(directory, config, weights, backbone.model)


def brute_force(model: torch.nn.Module, engine: Engine, trie: LabelTrie, text: str) -> Scores:
    """Every label's score by a forward of its own over the whole sequence."""
    [ticket] = engine.prompt.tickets([text])
    ids = [*engine.prompt.prefix, *ticket, *engine.prompt.suffix]
    scores = {}
    with torch.inference_mode():
        for code in engine.prompt.labels:
            path = trie.path(code)
            logits = model(torch.tensor([[*ids, *path]])).logits[0].float().log_softmax(-1)
            places = enumerate(path, len(ids) - 1)
            scores[code] = sum(logits[place, token].item() for place, token in places)
    return scores


def largest_gap(found: list[Scores], expected: list[Scores]) -> float:
    assert [one.keys() for one in found] == [one.keys() for one in expected]
    return max(
        abs(one[code] - other[code])
        for one, other in zip(found, expected, strict=True)
        for code in one
    )


@pytest.mark.parametrize("template", ["short", "dispatch"])
def test_packed_scores_are_those_of_plain_transformers(base: Base, template: str) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer, template=template))
    trie = LabelTrie(engine.prompt.labels, backbone.end)

    found = engine.scores(list(TICKETS))

    model = plain_model(base)
    expected = [brute_force(model, engine, trie, text) for text in TICKETS]
    assert largest_gap(found, expected) < 1e-4
    assert max(s["A"] for s in expected) - min(s["A"] for s in expected) > 1  # they do differ


def test_an_adapter_computes_what_peft_computes(base: Base, tmp_path: Path) -> None:
    model = random_adapter(base, tmp_path)
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, read_adapter(tmp_path, backbone), make_prompt(backbone.tokenizer))
    trie = LabelTrie(engine.prompt.labels, backbone.end)

    found = engine.scores(list(TICKETS))

    expected = [brute_force(model, engine, trie, text) for text in TICKETS]
    assert largest_gap(found, expected) < 1e-4
    bare = Engine(backbone, None, engine.prompt)
    assert largest_gap(bare.scores(list(TICKETS)), expected) > 0.1


def test_four_bit_scores_are_those_of_the_dequantised_weights(base: Base) -> None:
    backbone = load_backbone(base, "nf4", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer))
    trie = LabelTrie(engine.prompt.labels, backbone.end)

    found = engine.scores(list(TICKETS))

    model = plain_model(base)
    exact = [brute_force(model, engine, trie, text) for text in TICKETS]
    kept = {n: m for n, m in backbone.model.named_modules() if isinstance(m, LoraLinear)}
    for name, module in model.named_modules():
        if name in kept:
            module.weight.data = kept[name].full_weight()
    rounded = [brute_force(model, engine, trie, text) for text in TICKETS]
    assert largest_gap(found, rounded) < 1e-4
    assert largest_gap(exact, rounded) > 1e-3


def test_the_kept_weight_is_the_one_bitsandbytes_trains_on(base: Base) -> None:
    """Serving dequantises; training multiplies through ``Linear4bit``: they must agree."""
    torch.manual_seed(0)
    plain = torch.nn.Linear(128, 64)
    trained = Linear4bit(128, 64, quant_type="nf4", compute_dtype=torch.float32)
    trained.load_state_dict(plain.state_dict())
    trained = trained.to("cpu").train()
    served = LoraLinear(trained, torch.float32)
    x = torch.randn(5, 128)

    assert torch.allclose(served(x), trained(x), atol=1e-5)
    assert not torch.allclose(served(x), plain(x), atol=1e-3)


def test_search_through_the_engine_is_the_brute_force_ranking(base: Base) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer))
    trie = LabelTrie(engine.prompt.labels, backbone.end)
    draw = random.Random(3)
    texts = [draw.choice(TICKETS) + str(n) for n in range(24)]
    allowed = [frozenset(draw.sample(sorted(CODES), draw.randrange(1, 6))) for _ in texts]
    top_k = [draw.choice((1, None)) for _ in texts]

    roots = [trie.restricted(codes) for codes in allowed]
    searches = engine.search(texts, roots, top_k)

    model = plain_model(base)
    for text, codes, k, search in zip(texts, allowed, top_k, searches, strict=True):
        scores = brute_force(model, engine, trie, text)
        expected = rank({code: scores[code] for code in codes})[:k]
        assert [code for code, _ in search.ranking()] == [code for code, _ in expected]


def test_a_ticket_is_answered_alike_in_any_company(base: Base) -> None:
    backbone = load_backbone(base, "full", CPU)
    prompt = make_prompt(backbone.tokenizer)
    texts = [*TICKETS, *reversed(TICKETS)]

    together = Engine(backbone, None, prompt).scores(texts)
    small = Engine(backbone, None, prompt, token_budget=40)  # several forwards, some of one ticket
    apart = small.scores(texts)

    assert small.counts.forwards > 5
    assert largest_gap(together, apart) < 1e-4


def test_two_engines_on_one_base_do_not_mix_their_adapters(base: Base, tmp_path: Path) -> None:
    random_adapter(base, tmp_path)
    backbone = load_backbone(base, "full", CPU)
    assert load_backbone(base, "full", CPU) is backbone
    prompt = make_prompt(backbone.tokenizer)
    first = Engine(backbone, read_adapter(tmp_path, backbone), prompt)
    before = first.scores(list(TICKETS))

    second = Engine(backbone, None, prompt)
    second.scores(list(TICKETS))

    assert first.scores(list(TICKETS)) == before


def test_after_a_failed_forward_the_store_is_free_again(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_backbone(base, "full", CPU)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer), token_budget=60)
    expected = engine.scores(list(TICKETS))
    free, start = backbone.runner.cache.free_pages, backbone.runner.start
    calls = itertools.count()

    def fail(pack: Pack) -> Answers:
        if next(calls) == 2:
            raise RuntimeError("out of memory")
        return start(pack)

    monkeypatch.setattr(backbone.runner, "start", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        engine.scores(list(TICKETS))
    monkeypatch.undo()

    assert backbone.runner.cache.free_pages == free
    assert engine.scores(list(TICKETS)) == expected


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
            requests = engine.requests(engine.prompt.tickets(some), [root] * 4, [None] * 4)
            scheduler.add(requests)
            searches += [request.search for request in requests]
            joined.add(finished)
        finished += len(scheduler.step())

    assert finished == len(texts)
    assert largest_gap([search.scores for search in searches], expected) < 1e-4
    assert held_pages(backbone) == held
    # Some joined while others were read, where the runner works ahead; else batch after batch.
    assert any(count % 4 for count in joined) == bool(ahead)


def test_an_urgent_ticket_overtakes_and_takes_one_forward(
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
    scheduler.add(engine.requests(tickets, [root] * len(texts), [None] * len(texts)))
    scheduler.step()
    [waited_for] = engine.prompt.tickets([TICKETS[0]])
    [request] = engine.requests([waited_for], [root], [None], live=[True])
    scheduler.add([request])
    live = request.search
    finished = [*scheduler.step(), *scheduler.step()]

    assert live in finished
    assert len(finished) < len(texts) / 2
    assert largest_gap([live.scores], [expected]) < 1e-4
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
