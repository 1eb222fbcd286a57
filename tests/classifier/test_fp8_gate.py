"""A version is served in fp8 only where its answers there are those in nf4."""

import pytest
from pydantic import JsonValue

from classifier.fp8_gate import FP8_AGREEMENT, served_mode, why_not_fp8
from classifier.model.mode import Mode
from tests.support.versions import a_manifest


@pytest.mark.parametrize(
    ("metrics", "mode"),
    [
        ({}, "nf4"),
        ({FP8_AGREEMENT: None}, "nf4"),
        ({FP8_AGREEMENT: 0.981}, "nf4"),
        ({FP8_AGREEMENT: 0.99}, "fp8"),
        ({FP8_AGREEMENT: 0.993}, "fp8"),
    ],
)
def test_a_version_is_served_in_fp8_where_that_answers_as_nf4_does(
    metrics: dict[str, JsonValue], mode: Mode
) -> None:
    manifest = a_manifest(metrics=metrics)

    assert served_mode(manifest, "fp8") == mode
    assert (why_not_fp8(manifest) is None) == (mode == "fp8")


@pytest.mark.parametrize("mode", ["nf4", "bf16", "full"])
def test_other_modes_need_no_agreement(mode: Mode) -> None:
    assert served_mode(a_manifest(metrics={}), mode) == mode


def test_the_reason_tells_the_share_that_agrees_or_that_none_was_measured() -> None:
    measured = why_not_fp8(a_manifest(metrics={FP8_AGREEMENT: 0.9896}))
    assert measured is not None
    assert "98.96% of the held-out tickets, and 99.00% are asked for" in measured
    assert "not compared: train on a GPU" in str(why_not_fp8(a_manifest(metrics={})))
