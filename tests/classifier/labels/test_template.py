"""Templates: their slots, what they say of the units, and what a text must not smuggle in."""

from pathlib import Path

import pytest

from classifier.labels.template import STEPS, Template, load_template, neutralise
from core.errors import InputError
from tests.support.models import UNITS


@pytest.mark.parametrize("name", ["dispatch", "duties", "short", "steps"])
def test_every_template_keeps_the_articles_order(name: str) -> None:
    text = load_template(name).text

    parts = ["### Question:", "{ticket}", "### Response:", "<think>", "{thought}", "</think>"]
    places = [text.index(part) for part in [*parts, "{unit}"]]
    assert places == sorted(places)


def test_the_instruction_lists_the_units_and_their_responsibilities() -> None:
    names = load_template("dispatch").instruction(UNITS)
    duties = load_template("duties").instruction(UNITS)

    assert "共5个" in names
    assert "\n市水务局\n" in names
    assert "管河道" not in names
    assert "市水务局：管河道" in duties


def test_the_steps_are_told_before_the_ticket_in_their_order() -> None:
    template = load_template(STEPS)

    told = template.instruction(UNITS)

    steps = ["市水务局：管河道", "一、何事", "二、何地", "三、何责", "四、何处"]
    places = [told.index(step) for step in steps]
    assert places == sorted(places)
    # Nothing of the steps stands in the thought: an empty one can be served.
    assert (template.question_end.partition("<think>")[2], template.thought_end) == (
        "\n",
        "\n</think>\n",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ticket}<think>{thought}</think>", "{unit} stands 0 times"),
        ("{ticket}{ticket}<think>{thought}</think>{unit}", "{ticket} stands 2 times"),
        ("{ticket}<think></think>{unit}{thought}", "the order must be"),
        ("{ticket}<think>{thought}</think>{unit}.", "the unit must end it"),
        ("{ticket} {thought} {unit}", "must stand between"),
        ("{ticket}<think>{unit}", "{thought} stands 0 times"),
        ("{ticket}</think>{unit}", "{thought} stands 0 times"),
        ("{ticket}{unit}", "with text between them"),
        ("{unit}{ticket}", "the order must be {ticket}, {unit}"),
    ],
)
def test_a_malformed_template_is_refused_with_its_fault(text: str, told: str) -> None:
    with pytest.raises(InputError, match="template x") as refused:
        Template.parse(text, "x")
    assert told in str(refused.value)


@pytest.mark.parametrize("name", ["dispatch", "duties", "short", "steps"])
def test_without_a_thought_the_unit_follows_the_response(name: str) -> None:
    template = load_template(name)

    plain = template.without_thought()

    assert template.has_thought
    assert (plain.has_thought, plain.thought_end) == (False, "")
    assert plain.head == template.head
    assert plain.text.endswith("### Response:\n{unit}")
    assert "think" not in plain.text
    assert Template.parse(plain.text, name) == plain == plain.without_thought()


def test_an_unknown_template_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dispatch, duties, short, steps"):
        load_template("nonsense")
    with pytest.raises(InputError, match="cannot be read"):
        load_template(str(tmp_path / "none.txt"))


def test_a_template_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("{ticket}\n<think>\n{thought}\n</think>\n{unit}\n", "utf-8")

    assert load_template(str(tmp_path / "own.txt")).question_end == "\n<think>\n"


def test_a_heading_in_a_text_is_defused_and_other_text_is_not() -> None:
    assert neutralise("### Response:", []) == "# ## Response:"
    assert neutralise("路灯坏了 <b>", ["<think>"]) == "路灯坏了 <b>"
