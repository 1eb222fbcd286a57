"""How many tokens fit a GPU, told from a model's shape."""

from types import SimpleNamespace

import pytest
import torch

from classifier.model import memory
from classifier.model.mode import Mode
from classifier.model.runner import TOKEN_BUDGET
from core.errors import DeviceError

GIB = 1 << 30
# Qwen2 7B: what a layer's seven matrices map from and to.
HIDDEN, INNER, KV = 3584, 18944, 512
SHAPES = [
    *[(HIDDEN, HIDDEN)] * 2,
    *[(HIDDEN, KV)] * 2,
    *[(HIDDEN, INNER)] * 2,
    (INNER, HIDDEN),
]
CONFIG = SimpleNamespace(
    hidden_size=HIDDEN,
    intermediate_size=INNER,
    num_hidden_layers=28,
    num_attention_heads=28,
    num_key_value_heads=4,
    vocab_size=152_064,
)
LOADED = int(5.3 * GIB)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A loaded 7B on a GPU of 24 GiB, as far as its memory goes."""
    layers = [SimpleNamespace(in_features=i, out_features=o) for i, o in SHAPES * 28]
    monkeypatch.setattr(memory, "lora_layers", lambda _: list(enumerate(layers)))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: LOADED)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (24 * GIB - LOADED, 24 * GIB))
    return SimpleNamespace(config=CONFIG, device="cuda")


@pytest.mark.parametrize(
    ("mode", "gib", "least", "most"),
    [
        ("nf4", None, TOKEN_BUDGET, TOKEN_BUDGET),
        ("nf4", 24, TOKEN_BUDGET, TOKEN_BUDGET),
        ("nf4", 100, TOKEN_BUDGET, TOKEN_BUDGET),  # there are 24
        ("nf4", 10, 4096, 12_288),
        ("bf16", 24, 4096, TOKEN_BUDGET),
        ("fp8", 24, TOKEN_BUDGET, TOKEN_BUDGET),
    ],
)
def test_the_budget_follows_from_the_memory(
    model: SimpleNamespace, mode: Mode, gib: int | None, least: int, most: int
) -> None:
    found = memory.fit(model, mode, gib * GIB if gib else None)

    assert least <= found.token_budget <= most
    assert found.token_budget % 128 == 0
    assert 3.5 * found.token_budget <= found.cached <= 8 * found.token_budget
    fixed = LOADED + memory.extra_bytes(model, mode)
    taken = found.token_budget * memory.layer_bytes(model) + found.cached * memory.cached_bytes(
        model
    )
    assert fixed + taken <= min(gib or 24, 24) * GIB


def test_a_budget_that_is_given_leaves_more_to_the_cache(model: SimpleNamespace) -> None:
    assert memory.fit(model, "nf4", None, 8192) == (8192, 8 * 8192)
    assert memory.fit(model, "nf4", 11 * GIB, 8192).cached < 8 * 8192


@pytest.mark.parametrize(
    ("width", "mode", "each"),
    [
        (576, "nf4", 0.0625),
        (208, "nf4", 2.0625),  # blocks of four bits reach from row to row: the weight is plain
        (208, "bf16", 4.07),
        (208, "fp8", 3.07),
        (200, "fp8", 4.07),  # and no float8 product takes it
        (200, "full", 0.0),
    ],
)
def test_layers_of_odd_widths_take_more_memory(
    monkeypatch: pytest.MonkeyPatch, width: int, mode: Mode, each: float
) -> None:
    layer = SimpleNamespace(in_features=width, out_features=160)
    monkeypatch.setattr(memory, "lora_layers", lambda _: [("layer", layer)])

    extra = memory.extra_bytes(SimpleNamespace(config=CONFIG), mode)

    count = width * 160
    beside = GIB + 3 * 2 * 64 * (width + 160) + 2 * count  # runtime, adapters, one whole weight
    assert (extra - beside) / count == pytest.approx(each, abs=1e-3)


def test_a_gpu_too_small_is_refused_with_what_is_needed(model: SimpleNamespace) -> None:
    with pytest.raises(DeviceError, match=r"needs \d+\.\d GiB .* mode bf16, and there are 12\.0"):
        memory.fit(model, "bf16", 12 * GIB)
