"""Head or names: the better one beyond chance, and the head where it is open."""

import numpy as np
import pytest

from classifier.setup import AnswerBy
from core.errors import InputError
from tests.support.held_out import answers_of
from training.adapter.choice import check_wanted, choose, measures, nll
from training.adapter.recipe import AnswerLosses


def test_the_better_way_answers_and_the_line_says_by_how_much() -> None:
    good, poor = answers_of(sharpness=4.0), answers_of(sharpness=1.0)

    by_head = choose({"head": good, "names": poor})
    by_names = choose({"head": poor, "names": good})

    assert (by_head.by, by_names.by) == ("head", "names")
    assert "on 300 held-out tickets the head's NLL is" in by_head.why
    assert "(difference -" in by_head.why
    assert by_names.why.startswith("answers by the names: ")


def test_where_it_is_open_the_head_answers() -> None:
    head, a_little_better = answers_of(2.0, seed=1), answers_of(2.05, seed=2)
    assert nll(a_little_better, 1.0).mean() < nll(head, 1.0).mean()

    assert choose({"head": head, "names": a_little_better}).by == "head"
    nothing = head.take(np.empty(0, dtype=np.int64))
    assert choose({"head": nothing, "names": nothing}).by == "head"


@pytest.mark.parametrize("wanted", ["head", "names"])
def test_what_is_asked_for_answers_whatever_is_better(wanted: AnswerBy) -> None:
    better = {"head": answers_of(sharpness=1.0), "names": answers_of(sharpness=1.0)}
    better["names" if wanted == "head" else "head"] = answers_of(sharpness=5.0)

    choice = choose(better, wanted)

    assert choice.by == wanted
    assert "as asked for" in choice.why


def test_each_way_is_compared_after_its_own_temperature() -> None:
    """Sharper by a factor alone is neither better nor worse."""
    one = answers_of(sharpness=2.0)
    scaled = answers_of(sharpness=2.0, factor=7.0)

    choice = choose({"head": scaled, "names": one})

    assert choice.by == "head"
    assert choice.temperatures["head"] == pytest.approx(7 * choice.temperatures["names"], rel=1e-2)


@pytest.mark.parametrize(("wanted", "other"), [("head", "names"), ("names", "head")])
def test_what_was_not_learned_cannot_be_asked_for(wanted: AnswerBy, other: AnswerBy) -> None:
    with pytest.raises(InputError, match=rf"answer\.{wanted} = 0"):
        check_wanted(AnswerLosses(**{wanted: 0}), wanted)

    check_wanted(AnswerLosses(**{wanted: 0}), other)
    assert choose({other: answers_of(sharpness=1.0)}).by == other


def test_the_measures_are_those_of_the_probabilities() -> None:
    answers = answers_of(sharpness=2.0)
    scaled = np.exp(answers.logits.astype(np.float64) / 1.5)
    right = (scaled / scaled.sum(axis=1, keepdims=True))[np.arange(300), answers.labels]

    found = measures(answers, 1.5)

    assert np.allclose(nll(answers, 1.5), -np.log(right))
    assert found["nll"] == pytest.approx(-np.log(right).mean())
    assert found["accuracy"] == (answers.logits.argmax(axis=1) == answers.labels).mean()
    assert found.keys() == {"accuracy", "macro_f1", "nll", "calibration_error"}
