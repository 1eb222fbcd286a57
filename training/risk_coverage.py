"""The risk-coverage curve: how often answers are wrong when only the surest are acted on.

El-Yaniv & Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 2010; its area:
Geifman, Uziel & El-Yaniv, "Bias-Reduced Uncertainty Estimation", ICLR 2019.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Coverage and risk at each threshold that parts n answers, from the strictest on.

    Parameters:
        coverage: (m,) shares of answers with at least the threshold's probability.
        risk: (m,) shares of wrong answers among these.
    """

    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The mean risk over all coverages: 0 where all is right, the error where none is surer."""
        widths = np.diff(self.coverage, prepend=0.0)
        return float((self.risk * widths).sum())

    def draw(self, file: Path, routed: tuple[float, float | None], title: str) -> None:
        """Write the curve as a picture (.svg), with the point at which the version stands.

        Args:
            file: is overwritten.
            routed: coverage and risk of what is not held back; the risk is None where all is.
            title: over the picture.

        Raises:
            ModuleNotFoundError: matplotlib is not installed.
            OSError: the file cannot be written.
        """
        import matplotlib as mpl  # here: only who draws needs it

        mpl.use("svg")
        from matplotlib import pyplot as plt

        with mpl.rc_context({"svg.hashsalt": "paidan", "svg.fonttype": "none", "font.size": 9}):
            figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
            axes.step(self.coverage, self.risk, where="pre", color="#4477aa")
            coverage, risk = routed
            if risk is not None:
                axes.plot(coverage, risk, "o", color="#ee7733", label="not held back")
                axes.legend(frameon=False)
            axes.set(xlim=(0, 1), ylim=(0, None), title=title)
            axes.set(xlabel="coverage (share of answers, surest first)", ylabel="share wrong")
            axes.spines[["top", "right"]].set_visible(False)
            figure.savefig(file, format="svg", metadata={"Date": None})
            plt.close(figure)


def risk_coverage(probability: NDArray[np.float64], correct: NDArray[np.bool_]) -> RiskCoverage:
    """Return the curve of n answers, at least one; equal probabilities are taken together.

    Args:
        probability: (n,), of each answer.
        correct: (n,), whether it was right.
    """
    order = np.argsort(-probability, kind="stable")
    descending = probability[order]
    last_of_equals = np.flatnonzero(np.append(descending[1:] != descending[:-1], True))
    accepted = last_of_equals + 1
    wrong = np.cumsum(~correct[order])[last_of_equals]
    return RiskCoverage(accepted / len(order), wrong / accepted)
