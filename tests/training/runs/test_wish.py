"""A wish is read from its row as it was asked for, or refused by name."""

import pytest

from core.errors import InputError
from training.runs.wish import Wish


def test_what_is_not_said_has_the_defaults_of_a_training_by_hand() -> None:
    wish = Wish.of({})

    assert (wish.seed, wish.error_target, wish.no_unit_review) == (None, 0.05, 0.05)


def test_a_wish_comes_back_from_its_row() -> None:
    wish = Wish(seed="0" * 64, base="b", recipe="[lora]\nr = 8\n", answer="head", error_target=0.1)

    assert Wish.of(wish.model_dump(mode="json")) == wish


@pytest.mark.parametrize(
    "parameters",
    [{"seed": "../x"}, {"error_target": 2}, {"answer": "oracle"}, {"magic": 1}],
    ids=lambda parameters: next(iter(parameters)),
)
def test_what_cannot_be_read_is_named(parameters: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(parameters))):
        Wish.of(parameters)
