"""The fp8 gate: a version is served in fp8 only where that answers as nf4 does.

Training measures the agreement on held-out tickets. The decision is
``docs/decisions/0018-float8-where-it-answers-alike.md``.
"""

from classifier.manifest import Manifest
from classifier.model.mode import Mode

FP8_AGREEMENT = "fp8_agreement"
"""A version's metric: the share of held-out tickets that get the same unit in fp8 as in nf4."""
LEAST_AGREEMENT = 0.99
"""A version with a lower share is served in nf4."""


def served_mode(manifest: Manifest, mode: Mode) -> Mode:
    """Return the mode that a version is served in where ``mode`` is asked for."""
    return "nf4" if mode == "fp8" and why_not_fp8(manifest) else mode


def why_not_fp8(manifest: Manifest) -> str | None:
    """Return why a version is not served in fp8, as a clause for people; None where it may be."""
    agreement = manifest.metrics.get(FP8_AGREEMENT)
    if not isinstance(agreement, float):
        return "its answers in fp8 were not compared: train on a GPU that has fp8"
    if agreement >= LEAST_AGREEMENT:
        return None
    return (
        f"its answers in fp8 are those in nf4 for {agreement:.2%} of the held-out tickets, and "
        f"{LEAST_AGREEMENT:.2%} are asked for"
    )
