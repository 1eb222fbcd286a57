"""A version's answers as arrays, in the order of the tickets."""

from classifier.interface import Decision
from tests.support.judged import Scripted, judged
from training.gate.answers import UNANSWERED, answer


def test_answers_stand_in_the_order_of_the_tickets_over_many_batches() -> None:
    tickets = judged("ABC" * 300)

    found = answer(Scripted("v1", probability=0.75), tickets, frozenset("ABC"))

    assert "".join(found.units) == "ABC" * 300
    assert set(found.probability) == {0.75}
    assert len(found) == 900


def test_no_tickets_have_no_answers() -> None:
    assert len(answer(Scripted("v1"), [], frozenset("AB"))) == 0


def test_an_answer_without_any_learned_unit_is_none() -> None:
    class Unlearned(Scripted):
        def _decide(self, unit: str) -> Decision:
            return Decision(unit, 0.5, ((unit, 0.5),), "unlearned", self.version)

    assert answer(Unlearned("v1"), judged("A"), frozenset("AB")).units.tolist() == [UNANSWERED]
