"""Judges whether a challenger takes over from the champion."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from classifier.interface import Classifier
from training.gate.answers import Answers, answer
from training.gate.calibration import check_calibration
from training.gate.costs import Costs, check_costs, measure_latency
from training.gate.disagreements import check_better_blind
from training.gate.memory import Peak
from training.gate.noninferiority import check_no_worse
from training.gate.recent import check_better
from training.gate.tickets import JudgedTicket, check_unlearned
from training.gate.units import check_units
from training.gate.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Evidence:
    """The tickets on which two versions are compared; neither has learned any of them.

    Parameters:
        frozen: the frozen test set.
        recent: decided tickets of the share of the stream that stays out of training.
        unseen: how many of the same share and time the champion was sure of and chance did not draw
            (see ``recent.check_better``).
        disagreements: drawn at random (``disagreements.draw``) from all recent tickets that the two
            answer differently, and decided by people who saw no suggestion. Where there are any,
            they decide whether the challenger is better, and ``recent`` does not.
        share: of recent tickets that the two answer differently (``Drawn.share``), for people.
    """

    frozen: Sequence[JudgedTicket]
    recent: Sequence[JudgedTicket]
    unseen: int
    disagreements: Sequence[JudgedTicket] = ()
    share: float | None = None

    @property
    def texts(self) -> list[str]:
        """The texts of all of these tickets, on which costs are measured."""
        return [one.text for one in (*self.frozen, *self.recent, *self.disagreements)]


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
    peaks: tuple[Peak | None, Peak | None] = (None, None),
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
        peaks: the most memory that champion and challenger take; None where nobody measured it.
        costs: the champion's and the challenger's; None: latency is measured here.

    Raises:
        InputError: the challenger learned a ticket of the evidence.
        TaxonomyError: ``allowed`` is empty.
    """
    sets = {"frozen": evidence.frozen, "recent": evidence.recent}
    for name, tickets in {**sets, "drawn": evidence.disagreements}.items():
        check_unlearned(tickets, learned, name, challenger.version)
    mine, theirs = costs or _measure(evidence, champion, challenger, allowed, peaks)
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
    findings = [*_frozen_findings(evidence.frozen, champion, challenger, best)]
    if evidence.disagreements:
        findings.append(
            check_better_blind(
                evidence.disagreements,
                challenger.disagreements,
                champion.disagreements,
                look,
                evidence.share,
            )
        )
    else:
        findings.append(
            check_better(evidence.recent, challenger.recent, champion.recent, look, evidence.unseen)
        )
    findings += check_costs(challenger.costs, champion.costs)
    return Verdict(champion.version, challenger.version, look, tuple(findings))


def _frozen_findings(
    tickets: Sequence[JudgedTicket],
    champion: Contestant,
    challenger: Contestant,
    best: tuple[str, Answers] | None,
) -> Iterator[Finding]:
    """Yield what the frozen set says."""
    others = [("frozen", f"the champion {champion.version}", champion.frozen)]
    if best is not None:
        others.append(("best so far", f"the best champion so far, {best[0]}", best[1]))
    for check, name, answers in others:
        yield check_no_worse(tickets, challenger.frozen, answers, check=check, name=name)
    if tickets:
        yield check_units(tickets, challenger.frozen, champion.frozen)
        yield check_calibration(tickets, challenger.frozen, champion.frozen)


def _measure(
    evidence: Evidence,
    champion: Classifier,
    challenger: Classifier,
    allowed: frozenset[str],
    peaks: tuple[Peak | None, Peak | None],
) -> tuple[Costs, Costs]:
    texts, kinds = evidence.texts, (champion.kind, challenger.kind)
    first: tuple[float, ...] = (0.0,)
    second: tuple[float, ...] = (0.0,)
    if texts:
        first, second = measure_latency(champion, challenger, texts, allowed)
    return Costs(first, peaks[0], kinds[0]), Costs(second, peaks[1], kinds[1])


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
