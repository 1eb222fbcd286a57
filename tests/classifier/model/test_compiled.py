"""The runner for CUDA, uncompiled on the CPU, beside the plain one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from classifier.engine.engine import Engine
from classifier.labels.trie import LabelTrie
from classifier.model import cuda_graphs, decoder
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.compiled import CompiledRunner
from classifier.model.kv_cache import PAGE
from classifier.model.mode import Mode
from classifier.model.segment import Segment
from tests.support.adapters import random_adapter, read_adapter
from tests.support.models import TICKETS, make_prompt
from tests.support.runners import CPU, dense_attention, use_compiled, use_eager
from tests.support.scores import largest_gap

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
MANY = [text + str(number) for number in range(6) for text in TICKETS]
SOME = MANY[:15]
"""Several forwards of 512 tokens; attention that is not compiled takes its time."""


@pytest.fixture(autouse=True)
def plain_again(base: Base) -> Iterator[None]:
    yield
    for mode in ("full", "nf4"):
        use_eager(load_backbone(base, mode, CPU))


@pytest.mark.usefixtures("only_listed_pages")
@pytest.mark.parametrize(
    ("architecture", "mode", "budget", "recorded"),
    [
        ("base", "full", 2048, (256,)),  # few of many tokens are asked after
        ("base", "nf4", 200, (256, 512)),
        ("llama", "nf4", 512, (256, 2048)),  # forwards are filled up
        ("qwen3", "nf4", 512, (256,)),
    ],
)
def test_it_computes_what_the_plain_runner_computes(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    architecture: str,
    mode: Mode,
    budget: int,
    recorded: Sequence[int],
) -> None:
    monkeypatch.setattr(cuda_graphs, "RECORDED_TOKENS", recorded)
    base = request.getfixturevalue(architecture)
    random_adapter(base, tmp_path)
    backbone = load_backbone(base, mode, CPU)
    adapter = read_adapter(tmp_path, backbone)
    prompt = make_prompt(backbone.tokenizer, template="dispatch")
    use_eager(backbone)
    texts = MANY if budget > 512 else SOME
    expected = Engine(backbone, adapter, prompt, budget).scores(texts)

    use_compiled(backbone, budget)
    found = Engine(backbone, adapter, prompt, budget).scores(texts)

    assert largest_gap(found, expected) < 1e-3


@pytest.mark.usefixtures("quick_attention")
def test_it_swaps_adapters_and_comes_back_to_the_same(base: Base, tmp_path: Path) -> None:
    random_adapter(base, tmp_path)
    backbone = load_backbone(base, "nf4", CPU)
    prompt = make_prompt(backbone.tokenizer)
    use_compiled(backbone)
    first = Engine(backbone, read_adapter(tmp_path, backbone), prompt, 512)
    before = first.scores(SOME)

    other = Engine(backbone, None, prompt, 512).scores(SOME)

    assert largest_gap(other, before) > 0.1
    assert first.scores(SOME) == before


@pytest.mark.usefixtures("quick_attention")
def test_it_goes_on_when_the_cache_has_to_grow(base: Base) -> None:
    backbone = load_backbone(base, "full", CPU)
    prompt = make_prompt(backbone.tokenizer)
    runner = use_compiled(backbone, 512)
    expected = Engine(backbone, None, prompt, 512).scores(SOME)
    held = runner.cache.place([Segment([1] * (runner.cache.free_pages * PAGE), ticket=10**6)])

    found = Engine(backbone, None, prompt, 512).scores(SOME)

    assert len(held)
    assert largest_gap(found, expected) < 1e-3


@pytest.mark.usefixtures("quick_attention")
def test_the_cache_does_not_grow_for_new_tickets(base: Base) -> None:
    """What is compiled for a cache would be compiled anew."""
    backbone = load_backbone(base, "full", CPU)
    prompt = make_prompt(backbone.tokenizer)
    root = LabelTrie(prompt.labels, backbone.end).restricted(frozenset({"A"}))
    runner = use_compiled(backbone, 512)
    rows = runner.cache.rows
    engine = Engine(backbone, None, prompt)
    runner.cache.place([Segment([1] * (runner.cache.room - PAGE), ticket=10**6)])
    texts = [text * 4 for text in SOME]

    searches = engine.search(texts, [root] * len(texts), [1] * len(texts))

    assert all(search.ranking()[0][0] == "A" for search in searches)
    assert runner.cache.rows == rows


def test_three_functions_are_compiled_whatever_the_sizes(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced and counted; what the GPU's compiler makes of them is tested there."""
    torch._dynamo.reset()
    counter = CompileCounterWithBackend("aot_eager")
    monkeypatch.setattr(cuda_graphs, "RECORDED_TOKENS", (256,))
    monkeypatch.setattr(
        CompiledRunner, "_compile", lambda _, part: torch.compile(part, backend=counter)
    )
    backbone = load_backbone(base, "full", CPU)
    use_compiled(backbone, 1024)

    engine = Engine(backbone, None, make_prompt(backbone.tokenizer, template="dispatch"))
    for count in (1, 3, 8, 20, 60):
        engine.scores(MANY[:count])

    assert counter.frame_count == 3
    torch._dynamo.reset()


def test_the_quick_attention_of_other_tests_is_torchs(
    base: Base, monkeypatch: pytest.MonkeyPatch, only_listed_pages: None
) -> None:
    backbone = load_backbone(base, "full", CPU)
    use_compiled(backbone, 256)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer), 256)
    expected = engine.scores(SOME[:4])

    monkeypatch.setattr(decoder, "flex_attention", dense_attention)

    assert largest_gap(engine.scores(SOME[:4]), expected) < 1e-4
