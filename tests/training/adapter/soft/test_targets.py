"""A distribution over units becomes one over tokens, at each place of the name a text ends with."""

import numpy as np
import pytest

from training.adapter.soft.targets import Chances, Names, SoftNames, row_of

END = 9
TOKENS = ((1, 2, END), (1, 3, 4, END), (1, 3, END), (5, END))
"""Three names begin alike, and one goes on from another."""
NAMES = Names(TOKENS)
UNITS = np.array([0.5, 0.2, 0.1, 0.2])


def by_place(soft: SoftNames, place: int) -> dict[int, float]:
    triples = zip(soft.places, soft.tokens, soft.weights, strict=True)
    return {token: weight for at, token, weight in triples if at == place}


def test_each_place_has_the_probability_of_the_names_that_go_on_so() -> None:
    soft = NAMES.soft(1, UNITS)

    assert by_place(soft, 0) == pytest.approx({1: 0.8 - 1, 5: 0.2})
    assert by_place(soft, 1) == pytest.approx({2: 0.5 / 0.8, 3: 0.3 / 0.8 - 1})
    assert by_place(soft, 2) == pytest.approx({4: 0.2 / 0.3 - 1, END: 0.1 / 0.3})
    assert by_place(soft, 3) == {}  # nothing but the end follows


def test_a_sure_unit_changes_nothing() -> None:
    assert NAMES.soft(2, np.array([0.0, 0.0, 1.0, 0.0])) == SoftNames([], [], [])


def test_a_name_that_nothing_speaks_for_is_learned_where_it_differs_as_what_is_likely() -> None:
    soft = NAMES.soft(3, np.array([1.0, 0.0, 0.0, 0.0]))

    assert by_place(soft, 0) == {1: 1.0, 5: -1.0}
    assert set(soft.places) == {0}


def loss_of(row: int, units: Chances, models: dict[tuple[int, ...], Chances]) -> float:
    """The loss of a text that ends with a name: of its tokens, with the correction."""
    soft, total = NAMES.soft(row, units), 0.0
    for place, follows in enumerate(TOKENS[row]):
        log_probs = np.log(models[TOKENS[row][:place]])
        total -= log_probs[follows]
        total -= sum(weight * log_probs[token] for token, weight in by_place(soft, place).items())
    return total


def test_over_the_draws_of_the_name_the_loss_is_the_cross_entropy_of_whole_names() -> None:
    # Given a model that knows some distribution of the next token behind each beginning
    random = np.random.default_rng(2)
    begins = {name[:place] for name in TOKENS for place in range(len(name))}
    models = {begin: random.dirichlet(np.ones(END + 1)) for begin in begins}

    # When each name is drawn with its probability
    drawn = sum(chance * loss_of(row, UNITS, models) for row, chance in enumerate(UNITS))

    names = [sum(np.log(models[n[:p]][n[p]]) for p in range(len(n))) for n in TOKENS]
    assert drawn == pytest.approx(-UNITS @ names)


def test_a_row_is_drawn_with_its_probability_and_never_one_without() -> None:
    units = np.array([0.0, 0.25, 0.75, 0.0])

    rows = [row_of(units, draw) for draw in np.linspace(0, 1, 1_000, endpoint=False)]

    assert rows.count(1) == 250
    assert rows.count(2) == 750
    assert row_of(units, 1 - 1e-17) == 2
