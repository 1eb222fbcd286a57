"""What stands before an adapter's training: recipe, names, split, tokens."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from classifier.labels.template import STEPS, PromptUnit
from core.errors import InputError, TaxonomyError
from tests.support.llm import prompt_units, themed_samples
from tests.support.models import STANDIN, random_base, without_marks
from tests.support.told import Told
from training.adapter.preparation import (
    MAX_SCORED,
    Preparation,
    prepare,
    recipe_for,
    setup_of,
    split,
)
from training.adapter.version import train_llm
from training.samples import Sample


@pytest.fixture(scope="module")
def prepared() -> Preparation:
    return prepare(themed_samples(10), prompt_units(), STANDIN, recipe_for(STANDIN), Told())


def test_the_stand_in_brings_its_recipe() -> None:
    recipe = recipe_for(STANDIN)

    assert recipe.data.template == "short"
    assert recipe.lora.r == 64  # the rest is the article's


def test_two_units_that_look_alike_to_the_tokenizer_are_refused_before_training(
    tmp_path: Path,
) -> None:
    alike = [PromptUnit("A", "甲局"), PromptUnit("B", "甲局")]

    with pytest.raises(TaxonomyError, match="have the same tokens"):
        train_llm(
            [Sample("x", "A"), Sample("y", "B")],
            alike,
            STANDIN,
            models_dir=tmp_path,
            progress=Told(),
        )


def test_the_order_of_the_samples_does_not_change_the_split() -> None:
    recipe = recipe_for(STANDIN)
    samples = themed_samples(10)

    first, second = (split(order, recipe) for order in (samples, samples[::-1]))
    assert first == second
    assert len(first[1]) == 3
    assert len(prompt_units()) == 3


def test_near_duplicates_are_on_one_side_of_the_split() -> None:
    samples = themed_samples(40)
    again = [Sample(f"{sample.text}!", sample.unit) for sample in samples[::2]]

    known, held_out = split([*samples, *again], recipe_for(STANDIN))

    assert len(known) + len(held_out) == 180
    assert 10 <= len(held_out) <= 26
    sides = [{sample.text.rstrip("!") for sample in side} for side in (known, held_out)]
    assert not sides[0] & sides[1]


def test_samples_that_all_tell_the_same_are_refused() -> None:
    samples = [Sample(f"路灯坏了，晚上看不见路{sign}", code) for sign, code in ("!A", "?B", ".A")]

    with pytest.raises(InputError, match="all 3 samples tell nearly the same"):
        split(samples, recipe_for(STANDIN))


def test_without_near_duplicates_the_split_is_the_articles_own() -> None:
    samples = themed_samples(40)
    ordered = sorted(samples, key=lambda sample: (sample.unit, sample.text))
    texts = Dataset.from_dict({"text": [sample.text for sample in ordered]})

    known, held_out = split(samples, recipe_for(STANDIN))

    parts = texts.train_test_split(test_size=0.1, seed=42)
    assert [sample.text for sample in known] == list(parts["train"]["text"])
    assert [sample.text for sample in held_out] == list(parts["test"]["text"])


def test_a_units_only_ticket_is_learned_from() -> None:
    rare = [Sample(f"第{n}种少见的事{chr(0x4E00 + 97 * n)}", f"R{n}") for n in range(40)]

    known, held_out = split([*themed_samples(40), *rare], recipe_for(STANDIN))

    assert {sample.unit for sample in rare} <= {sample.unit for sample in known}
    assert 5 <= len(held_out) <= 16
    assert {sample.unit for sample in held_out} <= {"A", "B", "C"}


def test_samples_become_tokens_of_question_and_answer(prepared: Preparation) -> None:
    tokens = prepared.tokens()

    assert len(tokens) == len(prepared.known) == 27
    for one, sample in zip(tokens, prepared.known, strict=True):
        name = next(unit.name for unit in prompt_units() if unit.code == sample.unit)
        answer = prepared.prompt.tokenizer.decode(one.ids[one.question :])
        assert name in answer
        assert sample.text in prepared.prompt.tokenizer.decode(one.ids[: one.question])


def test_the_head_reads_where_the_name_is_predicted_from(prepared: Preparation) -> None:
    assert prepared.taught == ("A", "B", "C")
    for one, sample in zip(prepared.tokens(), prepared.known, strict=True):
        label = prepared.prompt.labels[sample.unit]
        assert one.ids[one.answer_at + 1 : -1] == list(label)
        behind = prepared.prompt.suffix
        assert tuple(one.ids[one.answer_at + 1 - len(behind) : one.answer_at + 1]) == behind
        assert prepared.taught[one.row] == sample.unit


def thinking(**data: object) -> Preparation:
    """Tickets that all have a thought, prepared with these settings of a recipe's data."""
    samples = [Sample(sample.text, sample.unit, "想一想") for sample in themed_samples(40)]
    recipe = recipe_for(STANDIN)
    changed = recipe.data.model_copy(update=data)
    recipe = recipe.model_copy(update={"data": changed})
    return prepare(samples, prompt_units(), STANDIN, recipe, Told())


def learned_with_thoughts(prepared: Preparation) -> list[str]:
    """The texts whose tokens hold the thought."""
    decode = prepared.prompt.tokenizer.decode
    pairs = zip(prepared.tokens(), prepared.known, strict=True)
    return [sample.text for one, sample in pairs if "想一想" in decode(one.ids)]


def test_a_thought_is_learned_unless_the_recipe_says_no() -> None:
    on, off = thinking(), thinking(thoughts="off")

    assert len(learned_with_thoughts(on)) == len(on.known) == 108
    assert learned_with_thoughts(off) == []


def test_what_only_measures_is_read_as_it_is_served() -> None:
    """With an empty thought, and by its label however soft the learned ones are."""
    prepared = thinking()
    soft = np.full((len(prepared.known), 3), 1 / 3)

    for one in (prepared, replace(prepared, soft=soft)):
        tokens = one.validated_tokens()

        assert len(tokens) == len(one.validated) == 12
        assert not any("想一想" in one.prompt.tokenizer.decode(each.ids) for each in tokens)
        assert [one.taught[each.row] for each in tokens] == [s.unit for s in one.validated]
        assert all(each.soft is None for each in tokens)


def test_a_soft_label_draws_the_name_but_not_behind_a_thought() -> None:
    # Given that all speaks for another unit than the label
    prepared = thinking(thoughts="mixed")
    rows = [prepared.taught.index(sample.unit) for sample in prepared.known]
    others = [(row + 1) % 3 for row in rows]
    prepared = replace(prepared, soft=np.eye(3)[others])

    tokens = prepared.tokens()

    thinks = [bool(prepared.thought_of(sample)) for sample in prepared.known]
    assert 0 < sum(thinks) < len(thinks)
    expected = [
        row if thought else other for row, other, thought in zip(rows, others, thinks, strict=True)
    ]
    assert [one.row for one in tokens] == expected
    for one, other in zip(tokens, others, strict=True):
        assert one.soft is not None
        assert one.soft.units.tolist() == np.eye(3)[other].tolist()
        label = prepared.prompt.labels[prepared.taught[one.row]]
        assert one.ids[one.answer_at + 1 : -1] == list(label)


def test_mixed_learns_a_share_with_thoughts_and_the_rest_as_it_is_served() -> None:
    prepared = thinking(thoughts="mixed", thought_share=0.25)

    thought = set(learned_with_thoughts(prepared))

    assert 15 <= len(thought) <= 40  # 27 of 108, drawn
    pairs = zip(prepared.tokens(), prepared.known, strict=True)
    rest = [one for one, sample in pairs if sample.text not in thought]
    behind = list(prepared.prompt.suffix)
    for one in rest:  # the unit follows an empty thought, which is given and not learned
        assert one.ids[: one.question][-len(behind) :] == behind
        assert one.answer_at == one.question - 1


def test_who_learns_a_thought_goes_by_the_seed_and_the_ticket_alone() -> None:
    prepared, other = (thinking(thoughts="mixed", seed=seed) for seed in (42, 43))

    again = replace(prepared, known=prepared.known[::-1])

    assert set(learned_with_thoughts(prepared)) == set(learned_with_thoughts(again))
    shared = {sample.text for sample in prepared.known} & {sample.text for sample in other.known}
    drawn = [shared & set(learned_with_thoughts(one)) for one in (prepared, other)]
    assert drawn[0] != drawn[1]


def test_a_prompt_that_asks_for_steps_is_refused_for_a_base_that_cannot_mark_them(
    tmp_path: Path,
) -> None:
    recipe = recipe_for(STANDIN)
    stepwise = recipe.data.model_copy(update={"template": STEPS})
    recipe = recipe.model_copy(update={"data": stepwise})
    without = without_marks(random_base(tmp_path / "plain"))

    assert "何责" in setup_of(STANDIN, prompt_units(), recipe).template
    with pytest.raises(InputError, match="no <think> to write it behind: take the template"):
        setup_of(without, prompt_units(), recipe)


def test_of_many_held_out_samples_some_are_scored(prepared: Preparation) -> None:
    assert prepared.scored == prepared.held_out
    many = [Sample(str(n), "A") for n in range(MAX_SCORED + 1)]

    larger = Preparation(
        *(getattr(prepared, n) for n in ("base", "recipe", "setup", "prompt")), [], many
    )

    assert larger.scored == many[:MAX_SCORED]


def test_weights_are_for_learning_and_need_a_loss_that_knows_them(prepared: Preparation) -> None:
    known, held_out = (
        [replace(sample, weight=0.3) for sample in some]
        for some in (prepared.known, prepared.held_out)
    )
    given = prompt_units(), STANDIN
    made = prepare(known, *given, prepared.recipe, Told(), held_out)
    smoothed = prepared.recipe.training | {"label_smoothing_factor": 0.1}
    recipe = prepared.recipe.model_copy(update={"training": smoothed})

    assert {one.weight for one in made.tokens()} == {0.3}
    assert {one.weight for one in made.validated_tokens()} == {1.0}
    with pytest.raises(InputError, match=r"label_smoothing_factor .* PAIDAN_BULK_WEIGHT=1"):
        prepare(known, *given, recipe, Told(), held_out)
