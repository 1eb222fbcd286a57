"""The plain ticket: it tells a broken model from a ticket that breaks one."""

from classifier.interface import Classifier
from core.errors import ModelFaultError
from core.faults import signature
from worker.answers import check

_TEXT = "这里的路灯不亮了，请派人来修。"  # any model must be able to read this


def try_plain_ticket(classifier: Classifier, units: frozenset[str]) -> None:
    """Ask a model what any model can answer.

    Args:
        classifier: which failed on some tickets.
        units: the active units.

    Raises:
        ModelFaultError: it fails on the plain ticket too, so no ticket is to blame.
    """
    try:
        check(classifier.classify([_TEXT], [units], 1), [units])
    except Exception as fault:
        raise ModelFaultError(
            f"model version {classifier.version} fails on a plain ticket ({signature(fault)})"
        ) from fault
