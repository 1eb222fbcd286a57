"""The verdict: refusals first, numbers as JSON."""

import json

from training.gate.verdict import Finding, Verdict

PASSED = Finding("frozen", True, "no worse", facts={"margin": 0.02})
REFUSED = Finding("recent", False, "not better", "decide 40 more")


def test_one_refusal_is_enough() -> None:
    assert Verdict("v1", "v2", 1, (PASSED,)).promoted
    assert not Verdict("v1", "v2", 1, (PASSED, REFUSED)).promoted
    assert Verdict("v1", "v2", 1, (PASSED, REFUSED)).refusals == (REFUSED,)


def test_reasons_begin_with_refusals_and_end_with_the_cure() -> None:
    verdict = Verdict("v1", "v2", 1, (PASSED, REFUSED))

    assert verdict.reasons == (
        "refused, recent: not better. Decide 40 more",
        "passed, frozen: no worse",
    )


def test_the_facts_are_json() -> None:
    facts = json.loads(Verdict("v1", "v2", 3, (PASSED, REFUSED)).to_json())

    assert (facts["champion"], facts["challenger"], facts["look"]) == ("v1", "v2", 3)
    assert facts["promoted"] is False
    assert facts["findings"][0] == {
        "check": "frozen",
        "passed": True,
        "text": "no worse",
        "cure": "",
        "margin": 0.02,
    }
