"""The CUDA paths, on a real GPU: ``make test-gpu``. Elsewhere these tests are skipped, visibly."""

import gc
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from bench.inference import random_adapter
from classifier.engine.engine import Engine
from classifier.fp8_gate import FP8_AGREEMENT
from classifier.labels.prompt import Prompt
from classifier.labels.trie import LabelTrie
from classifier.loading import Options, load_classifier
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.compiled import CompiledRunner
from classifier.model.device import FP8_CAPABILITY, pick_device
from classifier.model.lora import LoraLinear
from classifier.model.mode import Mode
from classifier.model.pack import Pack
from classifier.model.runner import Answers
from classifier.model.segment import Segment
from tests.support.llm import THEMES, train_test_llm
from tests.support.models import TICKETS, UNITS, make_prompt, random_base
from tests.support.told import Told

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here: make test-gpu"),
    # torch's and triton's remarks on a build are not ours
    pytest.mark.filterwarnings("ignore"),
]
# Two computations in bfloat16 round differently: their errors are alike, not the same. A ticket's
# labels share its error, so that the means of 400 tickets' errors lie within some 6 % of each other
# (one standard deviation); the greatest of them differ more.
MEAN_ALLOWANCE, MAX_ALLOWANCE = 1.2, 2.0
MANY = [text + str(number) for number in range(80) for text in TICKETS]
_ROWS = 100
_FOUR_AND_EIGHT: tuple[Mode, Mode] = ("nf4", "fp8")


@pytest.fixture(scope="module", params=["qwen2", "llama"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp(request.param), request.param)


def scores(engine: Engine, texts: list[str]) -> torch.Tensor:
    """(texts, units) scores."""
    return torch.tensor([[one[unit.code] for unit in UNITS] for one in engine.scores(texts)])


def plain_scores(engine: Engine, base: Base, dtype: torch.dtype) -> torch.Tensor:
    """(texts, units) scores of plain transformers on the engine's weights, label by label."""
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=dtype).cuda().eval()
    kept = {n: m for n, m in engine.backbone.model.named_modules() if isinstance(m, LoraLinear)}
    for name, module in model.named_modules():
        if name in kept:
            module.weight.data = kept[name].full_weight().to(dtype)
    trie = LabelTrie(engine.prompt.labels, engine.backbone.end)
    paths = [trie.path(unit.code) for unit in UNITS]
    read = [
        [*engine.prompt.prefix, *ticket, *engine.prompt.suffix]
        for ticket in engine.prompt.tickets(MANY)
    ]
    rows = [(ids, path) for ids in read for path in paths]
    expected: list[float] = []
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        # Filled up on the right: what comes later is not seen.
        whole = [torch.tensor([*ids, *path]) for ids, path in some]
        padded = torch.nn.utils.rnn.pad_sequence(whole, batch_first=True)
        with torch.inference_mode():
            said = model(padded.cuda()).logits.float().log_softmax(-1)
        for row, (ids, path) in enumerate(some):
            places = range(len(ids) - 1, len(ids) + len(path) - 1)
            expected.append(said[row, places, path].sum().item())
    return torch.tensor(expected).view(len(MANY), len(UNITS))


@pytest.mark.parametrize(
    ("mode", "template"),
    [("full", "short"), ("nf4", "short"), ("nf4", "dispatch"), ("bf16", "dispatch")],
)
def test_packed_scores_on_cuda_err_no_more_than_plain_transformers_in_bfloat16(
    base: Base, mode: Mode, template: str
) -> None:
    assert_errs_no_more(base, mode, template)


@pytest.mark.parametrize(
    ("shape", "mode"),
    [
        ("qwen3", "nf4"),
        ("tied", "nf4"),
        ("biased", "nf4"),
        ("smol", "nf4"),
        ("smol", "bf16"),
        ("odd", "nf4"),
        ("odd", "bf16"),
    ],
)
def test_nor_do_those_of_other_shapes_and_all_are_compiled(
    tmp_path: Path, shape: str, mode: Mode
) -> None:
    base = random_base(tmp_path / shape, shape)

    assert_errs_no_more(base, mode, "dispatch")

    assert isinstance(load_backbone(base, mode).runner, CompiledRunner)


@pytest.mark.parametrize("shape", ["qwen3", "smol", "odd"])
def test_other_shapes_are_computed_in_float8(tmp_path: Path, shape: str) -> None:
    if torch.cuda.get_device_capability() < FP8_CAPABILITY:
        pytest.skip("this GPU multiplies no float8")
    base = random_base(tmp_path / shape, shape)

    nf4, fp8 = (
        scores(Engine(load_backbone(base, mode), None, prompt_of(base)), MANY)
        for mode in _FOUR_AND_EIGHT
    )

    assert ((fp8 - nf4).abs().mean() / nf4.abs().mean()).item() < 0.1


def assert_errs_no_more(base: Base, mode: Mode, template: str) -> None:
    """Assert that packed scores are as near to exact ones as plain transformers' in bfloat16."""
    # Given the engine on the GPU, and plain transformers on its weights
    backbone = load_backbone(base, mode)
    assert (backbone.device.type, backbone.dtype) == ("cuda", torch.bfloat16)
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer, template=template))

    # When both score every label
    found = scores(engine, MANY)
    exact = plain_scores(engine, base, torch.float32)
    rounded = plain_scores(engine, base, torch.bfloat16)

    # Then the engine is no further from float32 than bfloat16 has to be
    ours, theirs = (found - exact).abs(), (rounded - exact).abs()
    assert (ours.mean() / theirs.mean()).item() < MEAN_ALLOWANCE
    assert (ours.max() / theirs.max()).item() < MAX_ALLOWANCE


def test_a_recorded_forward_computes_what_it_would_unrecorded(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(load_backbone(base, "nf4"), None, prompt_of(base))
    replayed = [engine.scores([text]) for text in MANY[:40]]  # the first of a size is recorded

    monkeypatch.setattr(CompiledRunner, "_run", CompiledRunner._forward)

    assert [engine.scores([text]) for text in MANY[:40]] == replayed


def test_recorded_forwards_may_be_started_before_the_last_is_answered(base: Base) -> None:
    engine = Engine(load_backbone(base, "nf4"), None, prompt_of(base))
    engine.scores(MANY[:1])
    tickets = engine.prompt.tickets(MANY[:6])

    one_by_one = [start(engine, ticket)().log_probs for ticket in tickets]
    started = [start(engine, ticket) for ticket in tickets]

    assert [answers().log_probs for answers in started] == one_by_one
    assert len({tuple(values) for values in one_by_one}) == len(tickets)


def start(engine: Engine, ticket: Sequence[int]) -> Answers:
    """Start to read a ticket; what is asked is how likely each label's first token is."""
    runner, above = engine.backbone.runner, engine.prefix
    segment = Segment(ticket, above, engine.next_number(), len(above.tokens))
    firsts = [tokens[0] for tokens in engine.prompt.labels.values()]
    answers = runner.start(Pack(runner.cache, [segment], [(len(ticket) - 1, firsts)]))
    runner.cache.release(segment.ticket)
    return answers


def test_an_adapter_that_takes_over_answers_as_after_a_cold_load(base: Base) -> None:
    first = Engine(load_backbone(base, "nf4"), None, prompt_of(base))
    before = first.scores(MANY)

    second = Engine(first.backbone, random_adapter(first.backbone), first.prompt)
    after = second.scores(MANY)

    del first, second
    gc.collect()
    backbone = load_backbone(base, "nf4")
    cold = Engine(backbone, random_adapter(backbone), prompt_of(base)).scores(MANY)
    assert after == cold
    assert after != before


@pytest.fixture
def memory_limit() -> Iterator[None]:
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.usefixtures("memory_limit")
def test_where_memory_runs_out_less_is_read_at_once_and_all_is_answered(base: Base) -> None:
    # Given a GPU on which a few tickets fit at once, and all of them do not
    engine = Engine(load_backbone(base, "nf4"), None, prompt_of(base))
    expected = scores(engine, MANY)
    few, many = (taken_for(engine, texts) for texts in (MANY[:20], MANY))
    assert few < many
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((few + many) / 2 / total)
    budget = engine.token_budget

    # When all are to be answered
    found = scores(engine, MANY)

    # Then they are, in smaller forwards from now on
    assert engine.token_budget < budget
    assert (found.argmax(1) == expected.argmax(1)).float().mean().item() > 0.95


def taken_for(engine: Engine, texts: list[str]) -> int:
    """Bytes that the process holds at most while it reads texts."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    engine.scores(texts)
    return int(torch.cuda.max_memory_reserved())


def prompt_of(base: Base) -> Prompt:
    return make_prompt(load_tokenizer(base), template="dispatch")


def test_a_version_is_trained_and_answers_on_the_gpu(tmp_path: Path) -> None:
    told = Told()

    version = train_test_llm(tmp_path / "models", told)
    classifier = load_classifier(version.path)

    assert pick_device().type == "cuda"
    units = frozenset(THEMES)
    decisions = classifier.classify(list(THEMES.values()), [units] * len(THEMES))
    assert [decision.unit for decision in decisions] == list(THEMES)
    assert version.manifest.training.settings["through"] in ("unsloth", "peft")
    agreement = version.manifest.metrics.get(FP8_AGREEMENT)
    if torch.cuda.get_device_capability() >= FP8_CAPABILITY:
        assert agreement is not None
        in_fp8 = load_classifier(version.path, options=Options(mode="fp8"))
        again = in_fp8.classify(list(THEMES.values()), [units] * len(THEMES))
        assert [decision.unit for decision in again] == list(THEMES)
    else:
        assert agreement is None
