"""Judges whether a challenger takes over from the champion."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from classifier.interface import Classifier
from training.gate.answers import Answers, answer
from training.gate.costs import Costs
from training.gate.noninferiority import check_no_worse
from training.gate.tickets import JudgedTicket, check_unlearned
from training.gate.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Evidence:
    """The tickets on which two versions are compared; neither has learned any of them.

    Parameters:
        frozen: the frozen test set.
        recent: decided tickets of the share of the stream that stays out of training.
        disagreements: drawn at random (``disagreements.draw``) from all recent tickets that the two
            answer differently, and decided by people who saw no suggestion. Where there are any,
            they decide whether the challenger is better, and ``recent`` does not.
    """

    frozen: Sequence[JudgedTicket]
    recent: Sequence[JudgedTicket]
    disagreements: Sequence[JudgedTicket] = ()


@dataclass(frozen=True, slots=True)
class Contestant:
    """A version by its answers to the evidence.

    Parameters:
        version: its name.
        frozen: its answers to the frozen tickets.
        recent: to the recent ones.
        disagreements: to the drawn disagreements.
        costs: what answering takes.
    """

    version: str
    frozen: Answers
    recent: Answers
    disagreements: Answers
    costs: Costs


def judge(
    evidence: Evidence,
    champion: Classifier,
    challenger: Classifier,
    *,
    allowed: frozenset[str],
    best: Classifier | None = None,
    look: int = 1,
    learned: Collection[str] = (),
    costs: tuple[Costs, Costs] | None = None,
) -> Verdict:
    """Let both versions answer the evidence, and judge.

    Args:
        evidence: the tickets.
        champion: the version that answers now.
        challenger: the version that would.
        allowed: codes of the units that may be answered, for every ticket.
        best: the best champion so far, where that is another version.
        look: the number of this comparison with the champion, from 1: the level is shared.
        learned: ``tickets.text_hash`` of all that the challenger learned.
        costs: the champion's and the challenger's; None: latency is measured here, memory is not.

    Raises:
        InputError: the challenger learned a ticket of the evidence.
        TaxonomyError: ``allowed`` is empty.
    """
    sets = {"frozen": evidence.frozen, "recent": evidence.recent}
    for name, tickets in {**sets, "drawn": evidence.disagreements}.items():
        check_unlearned(tickets, learned, name, challenger.version)
    mine, theirs = costs or (Costs(0.0), Costs(0.0))
    return weigh(
        evidence,
        _contestant(evidence, champion, allowed, mine),
        _contestant(evidence, challenger, allowed, theirs),
        best=None if best is None else (best.version, answer(best, evidence.frozen, allowed)),
        look=look,
    )


def weigh(
    evidence: Evidence,
    champion: Contestant,
    challenger: Contestant,
    *,
    best: tuple[str, Answers] | None = None,
    look: int = 1,
) -> Verdict:
    """Judge by answers that were given already; see ``judge``.

    Args:
        evidence: the tickets.
        champion: the version that answers now.
        challenger: the version that would.
        best: name and frozen answers of the best champion so far, where that is another version.
        look: the number of this comparison with the champion, from 1.
    """
    findings: list[Finding] = [
        check_no_worse(
            evidence.frozen,
            challenger.frozen,
            champion.frozen,
            check="frozen",
            name=f"the champion {champion.version}",
        )
    ]
    if best is not None:
        findings.append(
            check_no_worse(
                evidence.frozen,
                challenger.frozen,
                best[1],
                check="best so far",
                name=f"the best champion so far, {best[0]}",
            )
        )
    return Verdict(champion.version, challenger.version, look, tuple(findings))


def _contestant(
    evidence: Evidence, classifier: Classifier, allowed: frozenset[str], costs: Costs
) -> Contestant:
    return Contestant(
        classifier.version,
        answer(classifier, evidence.frozen, allowed),
        answer(classifier, evidence.recent, allowed),
        answer(classifier, evidence.disagreements, allowed),
        costs,
    )
