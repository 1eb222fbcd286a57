"""The gate as a whole: both versions answer, every check has its say."""

import pytest

from core.errors import InputError
from tests.support.judged import Scripted, judged
from training.gate.judging import Evidence, judge
from training.gate.tickets import text_hash

ALLOWED = frozenset("ABC")
FROZEN = judged("ABC" * 200, asked="file")
CHAMPION = Scripted("v1")


def worse(text: str) -> str:
    """Every fifth ticket is answered wrong."""
    return "D" if int(text.split()[-1]) % 5 == 0 else text[0]


def test_a_challenger_that_learned_frozen_tickets_is_refused_at_once() -> None:
    learned = {text_hash(FROZEN[7].text)}

    with pytest.raises(InputError, match="v2 has learned 1 of the 600 frozen tickets"):
        judge(
            Evidence(FROZEN, [], None), CHAMPION, Scripted("v2"), allowed=ALLOWED, learned=learned
        )


def test_the_challenger_must_be_no_worse_than_the_best_champion_so_far_either() -> None:
    evidence = Evidence(FROZEN, [], None)
    poor = Scripted("v1", worse)

    verdict = judge(evidence, poor, Scripted("v2", worse), allowed=ALLOWED, best=Scripted("v0"))

    refused = {finding.check for finding in verdict.refusals}
    assert "best so far" in refused
    assert "frozen" not in refused
