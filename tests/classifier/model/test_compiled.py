"""The runner for CUDA, uncompiled on the CPU: masks, pages and weights against the plain one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from bitsandbytes.nn import Linear4bit
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn.attention.flex_attention import create_mask

from classifier.engine.engine import Engine
from classifier.labels.trie import LabelTrie
from classifier.model import cuda_graphs
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.blocks import blocks_of_all, blocks_of_places
from classifier.model.compiled import CompiledRunner
from classifier.model.conversion import fp8_weights, kept_weights
from classifier.model.frame import Frame
from classifier.model.kv_cache import PAGE
from classifier.model.linear_weights import FP8_MAX, product
from classifier.model.lora import LayerAdapter, LoraLinear
from classifier.model.mode import Mode
from classifier.model.nf4_op import nf4_weight
from classifier.model.pack import Pack
from classifier.model.segment import LABELS, Segment
from tests.support.adapters import random_adapter, read_adapter
from tests.support.models import TICKETS, make_prompt, random_base
from tests.support.runners import CPU, use_compiled, use_eager
from tests.support.scores import largest_gap

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
MANY = [text + str(number) for number in range(6) for text in TICKETS]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("qwen2"))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("llama"), "llama")


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
    ],
)
def test_it_reads_what_the_plain_reader_reads(
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
    expected = Engine(backbone, adapter, prompt, budget).scores(MANY)

    use_compiled(backbone, budget)
    found = Engine(backbone, adapter, prompt, budget).scores(MANY)

    assert largest_gap(found, expected) < 1e-3


def test_it_swaps_adapters_and_comes_back_to_the_same(base: Base, tmp_path: Path) -> None:
    random_adapter(base, tmp_path)
    backbone = load_backbone(base, "nf4", CPU)
    prompt = make_prompt(backbone.tokenizer)
    use_compiled(backbone)
    first = Engine(backbone, read_adapter(tmp_path, backbone), prompt, 512)
    before = first.scores(MANY)

    other = Engine(backbone, None, prompt, 512).scores(MANY)

    assert largest_gap(other, before) > 0.1
    assert first.scores(MANY) == before


def test_it_goes_on_when_the_store_has_to_grow(base: Base) -> None:
    backbone = load_backbone(base, "full", CPU)
    prompt = make_prompt(backbone.tokenizer)
    runner = use_compiled(backbone, 512)
    expected = Engine(backbone, None, prompt, 512).scores(MANY)
    held = runner.cache.place([Segment([1] * (runner.cache.free_pages * PAGE), ticket=10**6)])

    found = Engine(backbone, None, prompt, 512).scores(MANY)

    assert len(held)
    assert largest_gap(found, expected) < 1e-3


def test_the_store_does_not_grow_for_new_tickets(base: Base) -> None:
    """What is compiled for a cache would be compiled anew."""
    backbone = load_backbone(base, "full", CPU)
    prompt = make_prompt(backbone.tokenizer)
    root = LabelTrie(prompt.labels, backbone.end).restricted(frozenset({"A"}))
    runner = use_compiled(backbone, 512)
    rows = runner.cache.rows
    engine = Engine(backbone, None, prompt)
    runner.cache.place([Segment([1] * (runner.cache.room - PAGE), ticket=10**6)])
    texts = [text * 4 for text in MANY]

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


def test_the_blocks_hold_exactly_the_pages_that_are_seen(base: Base) -> None:
    """Whatever a token sees is listed; a page listed as full is seen whole by all of the block."""
    backbone = load_backbone(base, "full", CPU)
    runner = use_compiled(backbone, 1024)
    prefix = Segment(list(range(300)))
    runner.start(Pack(runner.cache, [prefix]))
    tickets = [Segment([7] * n, prefix, n, 300) for n in (5, 120, 260, 33)]
    labels = [Segment([8, 9], one, one.ticket, LABELS, LABELS + 5) for one in tickets]
    deeper = Segment([4, 4, 4], labels[1], labels[1].ticket, LABELS + 2, LABELS + 5)
    beside = Segment([5], tickets[1], tickets[1].ticket, LABELS + 5, LABELS + 6)
    runner.start(Pack(runner.cache, tickets))
    pack = Pack(runner.cache, [*labels, deeper, beside], [(3, [1]), (8, [1])])
    runner.start(pack)

    for chosen, blocks in (
        (np.arange(len(pack.ids)), blocks_of_all(pack, 1)),
        (pack.places, blocks_of_places(pack, 1)),
    ):
        sees = visible(pack, chosen)
        by_page = sees.reshape(len(chosen), -1, PAGE)
        partial = set(blocks.partial_pages[0, : blocks.partial[0]].tolist())
        full = set(blocks.full_pages[0, : blocks.full[0]].tolist())
        assert set(np.flatnonzero(by_page.any((0, 2))).tolist()) == partial | full
        assert all(by_page[:, page].all() for page in full)
        assert full
        assert not partial & full


def visible(pack: Pack, chosen: np.ndarray) -> np.ndarray:
    """(tokens, rows) who sees what, told from the segments alone."""
    seen = np.zeros((len(pack.ids), pack.cache.rows), bool)
    at = 0
    for segment in pack.segments:
        for inside in range(len(segment.tokens)):
            for above in segment.path():
                rows = above.rows[: inside + 1] if above is segment else above.rows
                seen[at, rows] = True
            at += 1
    return seen[chosen]


def test_the_mask_is_what_the_segments_say(base: Base) -> None:
    backbone = load_backbone(base, "full", CPU)
    runner = use_compiled(backbone, 512)
    prefix = Segment(list(range(130)))
    runner.start(Pack(runner.cache, [prefix]))
    ticket, other = Segment([7] * 40, prefix, 1, 130), Segment([7] * 30, prefix, 2, 130)
    label = Segment([8, 9], ticket, 1, LABELS, LABELS + 4)
    below = Segment([3], label, 1, LABELS + 2, LABELS + 3)
    beside = Segment([3], label, 1, LABELS + 3, LABELS + 4)
    pack = Pack(runner.cache, [ticket, other, label, below, beside], [(0, [1])])

    runner.start(pack)

    size = 2 * PAGE
    contents = Frame.contents(pack, slice(None), size, blocks_of_all(pack, 2))
    flat = torch.from_numpy(contents.astype(np.int32))
    seen = Frame(flat, size, runner.tables).visible
    mask = create_mask(
        seen.block_mask().mask_mod, None, None, size, runner.cache.rows, device="cpu"
    )
    assert np.array_equal(
        mask[0, 0, : len(pack.ids)].numpy(), visible(pack, np.arange(len(pack.ids)))
    )


@pytest.mark.parametrize("nested", [False, True])
def test_a_weight_is_bitsandbytes_weight_plus_the_adapter(nested: bool) -> None:
    torch.manual_seed(0)
    plain = torch.nn.Linear(256, 96)
    kept = Linear4bit(256, 96, quant_type="nf4", compress_statistics=nested)
    kept.load_state_dict(plain.state_dict())
    layer = LoraLinear(kept.to("cpu"), torch.float32)
    expected = layer.full_weight()

    layer.lay_out()
    layer.adapter = LayerAdapter(torch.randn(5, 256), torch.randn(96, 5), 0.5)
    adapted = kept_weights(layer)

    assert torch.equal(layer.full_weight(), expected)
    assert adapted.scales is not None
    whole = nf4_weight(adapted.weight, adapted.scales, adapted.a, adapted.b, torch.float32)
    expected += 0.5 * layer.adapter.b @ layer.adapter.a
    assert torch.allclose(whole, expected, atol=1e-5)


def test_a_product_in_float8_is_that_of_the_rounded_factors() -> None:
    torch.manual_seed(0)
    layer = LoraLinear(torch.nn.Linear(256, 96), torch.float32)
    layer.adapter = LayerAdapter(torch.randn(5, 256), torch.randn(96, 5), 0.1)
    x = torch.randn(32, 256) * torch.logspace(-3, 3, 32)[:, None]  # a scale for each token

    with torch.no_grad():
        found = product(x, fp8_weights(layer))
        weight = in_float8(layer.weight + 0.1 * layer.adapter.b @ layer.adapter.a)
        expected = in_float8(x) @ weight.t()
        exact = layer(x) - layer.bias

    assert layer.bias is not None
    assert torch.allclose(found - layer.bias, expected, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(exact, expected, rtol=1e-3, atol=1e-3)


def in_float8(rows: torch.Tensor) -> torch.Tensor:
    """Rows as float8 with a scale each has them."""
    scale = rows.abs().amax(1, keepdim=True) / FP8_MAX
    return (rows / scale).to(torch.float8_e4m3fn).float() * scale
