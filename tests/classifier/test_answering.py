"""How an LLM answers: by its head, by names, or by both where a unit has no row."""

from pathlib import Path

import numpy as np
import pytest
import torch

from classifier.belonging import energy
from classifier.calibration import softmax
from classifier.engine.engine import Engine
from classifier.interface import Batch, Decision
from classifier.labels.head import Head
from classifier.labels.prompt import Prompt
from classifier.llm import LlmClassifier
from classifier.manifest import Calibration, ConformalSet, NoUnit
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.setup import Answer
from tests.support.adapters import plain_model, random_adapter, read_adapter
from tests.support.models import CODES, TICKETS, UNITS, make_prompt, random_base
from tests.support.runners import CPU, use_compiled, use_eager

pytestmark = pytest.mark.usefixtures("quick_attention")

HIDDEN = 128
ROWS = tuple("ABDE")  # C is known by its name alone
BY_HEAD = Answer(by="head", taught=ROWS, names_temperature=1.7)
CALIBRATION = Calibration(
    temperature=2.5, threshold=0.0, error_target=0.05, coverage=1, error=0, held_out=9
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def head() -> Head:
    torch.manual_seed(3)
    return Head(ROWS, torch.randn(len(ROWS), HIDDEN) / 4, torch.randn(len(ROWS)))


@pytest.fixture(params=["eager", "compiled"])
def engine(request: pytest.FixtureRequest, base: Base, head: Head) -> Engine:
    backbone = load_backbone(base, "full", CPU)
    use_eager(backbone)
    if request.param == "compiled":
        use_compiled(backbone, 1024)
    return Engine(backbone, None, make_prompt(backbone.tokenizer), head=head)


def expected_logits(
    model: torch.nn.Module, prompt: Prompt, head: Head, text: str, thought: tuple[int, ...] = ()
) -> torch.Tensor:
    """The head's logits by plain transformers over the whole sequence, in float32."""
    [ticket] = prompt.tickets([text])
    ids = [*prompt.prefix, *ticket, *prompt.question_end, *thought, *prompt.thought_end]
    with torch.inference_mode():
        hidden = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0, -1]
    return hidden.float() @ head.weight.t() + head.bias


def test_the_head_reads_the_state_that_predicts_the_answers_first_token(
    engine: Engine, base: Base, head: Head
) -> None:
    found = engine.head_logits(TICKETS)

    model = plain_model(base)
    for row, text in zip(found, TICKETS, strict=True):
        expected = expected_logits(model, engine.prompt, head, text)
        assert np.abs(row - expected.numpy()).max() < 1e-4


def test_an_adapter_changes_what_the_head_reads(base: Base, head: Head, tmp_path: Path) -> None:
    backbone = load_backbone(base, "full", CPU)
    use_eager(backbone)
    adapted = random_adapter(base, tmp_path)
    prompt = make_prompt(backbone.tokenizer)

    found = Engine(backbone, read_adapter(tmp_path, backbone), prompt, head=head).head_logits(
        TICKETS
    )

    expected = expected_logits(adapted, prompt, head, TICKETS[0])
    assert np.abs(found[0] - expected.numpy()).max() < 1e-4


def classifier(engine: Engine, answer: Answer = BY_HEAD, **calibration: object) -> LlmClassifier:
    changed = CALIBRATION.model_copy(update=calibration)
    return LlmClassifier("v", engine, changed, answer=answer)


def probabilities(decision: Decision) -> dict[str, float]:
    return dict(decision.top_k)


@pytest.mark.parametrize("allowed", ["ABDE", "BE"])
def test_where_all_allowed_units_have_rows_the_head_answers_alone(
    engine: Engine, allowed: str
) -> None:
    decisions = classifier(engine).classify(TICKETS, [frozenset(allowed)] * len(TICKETS))

    logits = engine.head_logits(TICKETS)[:, [ROWS.index(code) for code in allowed]]
    for decision, expected in zip(decisions, softmax(logits, 2.5), strict=True):
        found = probabilities(decision)
        assert [found[code] for code in allowed] == pytest.approx(expected.tolist(), abs=1e-5)
        assert decision.held_back is None
    assert engine.counts.label_nodes == 0


def test_names_give_a_unit_without_a_row_its_share_and_the_head_divides_the_rest(
    engine: Engine,
) -> None:
    decisions = classifier(engine).classify(TICKETS, [CODES] * len(TICKETS))

    by_head = softmax(engine.head_logits(TICKETS), 2.5)
    for decision, scores, rows in zip(decisions, engine.scores(TICKETS), by_head, strict=True):
        weights = {code: np.exp(score / 1.7) for code, score in scores.items()}
        share = weights["C"] / sum(weights.values())
        expected = {code: (1 - share) * p for code, p in zip(ROWS, rows, strict=True)}
        expected["C"] = share
        assert probabilities(decision) == pytest.approx(expected, abs=2e-4)
        assert decision.held_back == ("unlearned" if decision.unit == "C" else None)


def test_a_unit_added_since_is_answered_by_its_name_and_goes_to_a_person(engine: Engine) -> None:
    plain = classifier(engine)
    grown = LlmClassifier("v", engine, CALIBRATION, answer=BY_HEAD, added={"N": "新区办公室"})
    allowed = frozenset("ABDEN")

    before = plain.classify(TICKETS, [allowed] * len(TICKETS))
    after = grown.classify(TICKETS, [allowed] * len(TICKETS))

    assert grown.units == CODES | {"N"}
    assert all("N" not in probabilities(decision) for decision in before)
    for one, other in zip(before, after, strict=True):
        found = probabilities(other)
        left = 1 - found["N"]
        # The prefix is as it was: the others keep their order and their shares of the rest
        expected = {code: left * p for code, p in probabilities(one).items()}
        assert {code: found[code] for code in expected} == pytest.approx(expected, abs=1e-5)
    assert [d.unit for d in grown.classify(TICKETS[:1], [frozenset("N")])] == ["N"]
    assert grown.classify(TICKETS[:1], [frozenset("N")])[0].held_back == "unlearned"


def test_an_added_unit_with_anothers_name_is_left_out(engine: Engine) -> None:
    twin = LlmClassifier("v", engine, CALIBRATION, answer=BY_HEAD, added={"N": UNITS[0].name})

    assert twin.units == CODES


def test_names_answer_an_added_unit_of_a_version_without_a_head(engine: Engine) -> None:
    names = Answer(by="names", taught=tuple(sorted(CODES)))
    grown = LlmClassifier("v", engine, CALIBRATION, answer=names, added={"N": "新区办公室"})

    [decision] = grown.classify(TICKETS[:1], [frozenset("N")])

    assert (decision.unit, decision.probability, decision.held_back) == ("N", 1.0, "unlearned")
    assert engine.counts.tickets > 0


@pytest.mark.parametrize("by", ["head", "names"])
def test_belonging_does_not_depend_on_what_is_allowed(engine: Engine, by: str) -> None:
    answer = Answer(by=by, taught=ROWS)
    logits = engine.head_logits(TICKETS[:1])
    if by == "names":
        [scores] = engine.scores(TICKETS[:1])
        logits = np.array([[scores[code] for code in ROWS]])
    [score] = energy(logits, 1.0)

    for allowed in (CODES, frozenset("AB"), frozenset("E")):
        for threshold, held_back in ((score - 0.01, None), (score + 0.01, "no_unit")):
            no_unit = NoUnit(score="energy", threshold=threshold, review=0.05)
            asked = classifier(engine, answer, no_unit=no_unit)
            [decision] = asked.classify(TICKETS[:1], [allowed])
            if decision.unit != "C":
                assert decision.held_back == held_back


def test_sets_and_another_calibration_without_reading_weights(engine: Engine) -> None:
    one = classifier(engine)
    [before] = one.classify(TICKETS[:1], [frozenset(ROWS)])

    whole = ConformalSet(level=0.9, floor=0.0)
    one.recalibrate(CALIBRATION.model_copy(update={"temperature": 1.0, "sets": (whole,)}))
    [after] = one.classify(TICKETS[:1], [frozenset(ROWS)])

    assert before.sets == ()
    assert [code for code, _ in after.top_k] == [code for code, _ in before.top_k]
    assert after.probability > before.probability
    assert after.sets == ((0.9, tuple(code for code, _ in after.top_k)),)


def test_live_tickets_and_batches_are_answered_alike(engine: Engine) -> None:
    one = classifier(engine)
    allowed = [frozenset(ROWS) if n % 2 else CODES for n in range(len(TICKETS))]
    expected = one.classify(TICKETS, allowed)

    batches = [
        Batch([text], [units], str(n), [n == 1])
        for n, (text, units) in enumerate(zip(TICKETS, allowed, strict=True))
    ]
    found = {batch.token: decision for batch, [decision] in one.classify_batches(batches)}

    for n, decision in enumerate(expected):
        assert probabilities(found[str(n)]) == pytest.approx(probabilities(decision), abs=1e-4)


def test_a_text_whose_allowed_units_are_unknown_is_held_back(engine: Engine) -> None:
    [decision] = classifier(engine).classify(TICKETS[:1], [frozenset("XY")])

    assert (decision.unit, decision.held_back) == ("X", "unlearned")


def test_a_set_of_names_holds_more_units_than_are_named(engine: Engine) -> None:
    names = Answer(by="names", taught=tuple(sorted(CODES)))
    whole = ConformalSet(level=0.95, floor=0.001)
    one = classifier(engine, names, sets=(whole,), temperature=20.0)

    decisions = one.classify(TICKETS, [CODES] * len(TICKETS), top_k=1)

    for decision, scores in zip(decisions, engine.scores(TICKETS), strict=True):
        weights = softmax(np.array([list(scores.values())]), 20.0)[0]
        expected = {code for code, p in zip(scores, weights, strict=True) if p >= 0.001}
        [(_, codes)] = decision.sets
        assert len(decision.top_k) == 1
        assert set(codes) == expected
        assert len(codes) > 1
