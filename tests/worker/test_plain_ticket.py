"""The plain ticket: a model that fails on it is broken, another one is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from classifier.interface import Decision
from core.errors import ModelFaultError
from worker.plain_ticket import try_plain_ticket

UNITS = frozenset("AB")


@dataclass
class Model:
    """Answers each text with the same decision, or raises."""

    answer: Any
    version: str = "v1"
    kind: str = "constant"
    units: frozenset[str] = UNITS
    token_budget: int = 100

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        assert list(allowed) == [UNITS]
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer for _ in texts]


def test_a_model_that_answers_it_is_not_to_blame() -> None:
    try_plain_ticket(Model(Decision("B", 1.0, (("B", 1.0),), None, "v1")), UNITS)


@pytest.mark.parametrize(
    "answer",
    [RuntimeError("CUDA error 密"), Decision("Z", 1.0, (("Z", 1.0),), None, "v1")],
    ids=["raises", "answers nonsense"],
)
def test_a_model_that_fails_on_it_is_to_blame_and_named(answer: Any) -> None:
    with pytest.raises(ModelFaultError, match="model version v1 fails on a plain ticket") as caught:
        try_plain_ticket(Model(answer), UNITS)

    assert "密" not in str(caught.value)
