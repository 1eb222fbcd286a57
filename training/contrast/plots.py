"""Pictures of a contrast as SVG for a page: no script, no font file, no address of a host."""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from training.contrast.contrast import Contrast
from training.contrast.measures import BETTER
from training.evaluation import CALIBRATION_BINS, Answered

COLOURS = ("#4477aa", "#ee7733")
_GOOD, _BAD, _UNCLEAR = "#228833", "#cc3311", "#888888"
_NAMED = re.compile(r'(id="|href="#|url\(#)')


def pictures(found: Contrast) -> dict[str, str]:
    """Return the pictures, title -> SVG.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    return {
        "Differences, with 95 % intervals": _draw("difference", found, _differences),
        "Share wrong, when only the surest are acted on": _draw("risk", found, _risk),
        "How right answers of a probability are": _draw("reliability", found, _reliability),
    }


def _draw(name: str, found: Contrast, fill: Callable[[Any, Contrast], None]) -> str:
    """Return a picture; ``name`` begins the ids in it, since several stand on a page."""
    import matplotlib as mpl  # here: only who draws needs it

    mpl.use("svg")
    from matplotlib import pyplot as plt

    with mpl.rc_context({"svg.hashsalt": "paidan", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = plt.subplots(figsize=(4.6, 3.4), layout="constrained")
        fill(axes, found)
        axes.spines[["top", "right"]].set_visible(False)
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=nothing)
        plt.close(figure)
    picture = file.getvalue()
    return _NAMED.sub(rf"\1{name}-", picture[picture.index("<svg") :])


def _differences(axes: Any, found: Contrast) -> None:
    rows = [one for one in found.differences if one.interval is not None]
    signs = dict(zip((one.name for one in found.differences), BETTER, strict=True))
    for place, one in enumerate(reversed(rows)):
        assert one.interval is not None
        low, high = one.interval
        axes.plot((low, high), (place, place), color=_colour(signs[one.name], low, high), lw=3)
        axes.plot(one.difference, place, "o", color="black", markersize=4)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_yticks(range(len(rows)), [one.name for one in reversed(rows)])
    axes.set(xlabel="second - first (green: better, red: worse, beyond chance)")


def _colour(sign: int, low: float, high: float) -> str:
    if low <= 0 <= high:
        return _UNCLEAR
    return _GOOD if sign * low > 0 else _BAD


def _risk(axes: Any, found: Contrast) -> None:
    for report, colour, name in zip(found.reports, COLOURS, _names(), strict=True):
        axes.step(report.curve.coverage, report.curve.risk, where="pre", color=colour, label=name)
        if report.error is not None:
            axes.plot(report.coverage, report.error, "o", color=colour)
    axes.set(xlim=(0, 1), ylim=(0, None), ylabel="share wrong")
    axes.set(xlabel="coverage (dots: at each version's threshold)")
    axes.legend(frameon=False)


def _reliability(axes: Any, found: Contrast) -> None:
    axes.plot((0, 1), (0, 1), color="black", lw=0.8, ls=":")
    for answered, colour, name in zip(found.answers, COLOURS, _names(), strict=True):
        probability, right = _bins(answered)
        axes.plot(probability, right, "o-", color=colour, markersize=4, label=name)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the answer", ylabel="share right")
    axes.legend(frameon=False)


def _bins(answered: Answered) -> tuple[Sequence[float], Sequence[float]]:
    """Return the mean probability and the share right of each bin that has answers."""
    places = np.ceil(answered.probability * CALIBRATION_BINS).astype(np.int64) - 1
    members = [places == place for place in np.unique(places)]
    return (
        [float(answered.probability[here].mean()) for here in members],
        [float(answered.correct[here].mean()) for here in members],
    )


def _names() -> tuple[str, str]:
    return "first", "second"
