"""The engine against plain transformers, which reads one ticket at a time."""

import itertools
import random
from pathlib import Path

import pytest
import torch

from classifier.engine.engine import Engine
from classifier.labels.search import rank
from classifier.labels.trie import LabelTrie
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.lora import LoraLinear
from classifier.model.pack import Pack
from classifier.model.runner import Answers
from tests.support.adapters import plain_model, random_adapter, read_adapter
from tests.support.models import CODES, TICKETS, make_prompt, random_base
from tests.support.scores import brute_force, largest_gap

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["qwen2", "llama", "qwen3", "tied", "biased"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp(request.param), request.param)


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


def test_after_a_failed_forward_the_cache_is_free_again(
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
