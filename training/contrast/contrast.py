"""The contrast of two versions: what they answer to the same tickets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.interface import Classifier
from training.contrast.confusion import Confusion, confusions
from training.contrast.measures import Difference, differences
from training.evaluation import Answered, Report, ask, report_of
from training.near_duplicates import group_near_duplicates
from training.samples import Sample


@dataclass(frozen=True, eq=False)
class Contrast:
    """Two versions on the same n tickets.

    Parameters:
        answers: what each answered.
        reports: what each is alone.
        groups: how many groups of near-duplicates the tickets are.
        differences: the measures, with paired intervals.
        outcomes: how many tickets (both, only the first, only the second, neither) answer right.
        pairs: the confusions of either.
    """

    answers: tuple[Answered, Answered]
    reports: tuple[Report, Report]
    groups: int
    differences: Sequence[Difference]
    outcomes: tuple[int, int, int, int]
    pairs: list[Confusion]

    @property
    def n(self) -> int:
        """How many tickets were answered."""
        return self.reports[0].n

    @property
    def versions(self) -> tuple[str, str]:
        """The versions' names."""
        return self.reports[0].version, self.reports[1].version

    @property
    def units(self) -> list[str]:
        """The units of either report, those with most tickets first."""
        first, second = (report.per_unit for report in self.reports)
        support = {code: one.support for code, one in {**second, **first}.items()}
        return sorted(support, key=lambda code: (-support[code], code))


def contrast(
    first: Classifier, second: Classifier, samples: Sequence[Sample], allowed: frozenset[str]
) -> Contrast:
    """Let two versions answer the same tickets.

    Args:
        first: a version.
        second: the one that it is compared with.
        samples: the tickets, which neither should have learned.
        allowed: codes of the units that may be answered, for every ticket.

    Raises:
        InputError: there are no tickets.
        TaxonomyError: ``allowed`` is empty.
    """
    answers = ask(first, samples, allowed), ask(second, samples, allowed)
    groups = group_near_duplicates([sample.text for sample in samples])
    one, other = (answered.correct for answered in answers)
    outcomes = one & other, one & ~other, ~one & other, ~one & ~other
    both, only_first, only_second, neither = (int(kind.sum()) for kind in outcomes)
    return Contrast(
        answers=answers,
        reports=(report_of(answers[0]), report_of(answers[1])),
        groups=len(np.unique(groups)),
        differences=differences(*answers, groups),
        outcomes=(both, only_first, only_second, neither),
        pairs=confusions(*answers),
    )
