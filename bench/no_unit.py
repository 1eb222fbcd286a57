r"""Which score tells tickets of no unit best: the table and the choice.

    python -m bench.no_unit --draws DIRECTORY [--review 0.05]

DIRECTORY holds what ``bench.no_unit_dump`` wrote. For each score: the share of strangers (tickets
of withheld units) that are caught where as many known tickets as ``--review`` says are caught with
them, its mean and each draw's. Then, with the threshold that training sets on the held-out tickets:
how many known tickets it holds back, and how many strangers. Of each model the simplest score is
chosen that is within noise of its best (paired over the draws, 95 %); it must catch 5 points more
than the highest probability, which is simplest of all. A table, then one line of JSON.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import t

from bench.no_unit_scores import MODELS, PLAIN, Scores, all_scores
from training.conformal import floor_of

WORTH = 0.05
"""A score that is not the simplest must catch so much more."""


@dataclass(frozen=True, slots=True)
class Caught:
    """What a score catches, draw by draw.

    Parameters:
        strangers: share of strangers caught where ``review`` of the known tickets are.
        set_review: share of known tickets under the threshold that held-out tickets set.
        set_strangers: share of strangers under it.
    """

    strangers: tuple[float, ...]
    set_review: tuple[float, ...]
    set_strangers: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean share of strangers caught."""
        return float(np.mean(self.strangers))


def main() -> None:
    """Compare the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=Path, required=True, help="holds draw-N.npz")
    parser.add_argument("--review", type=float, default=0.05, help="share of known tickets")
    options = parser.parse_args()
    files = sorted(options.draws.glob("draw-*.npz"))
    draws = [all_scores(np.load(file)) for file in files]
    caught = {name: catch([draw[name] for draw in draws], options.review) for name in draws[0]}
    chosen = {model: choose(model, caught) for model in MODELS if f"{model}: {PLAIN}" in caught}
    title = f"caught at {options.review:.0%} false review, {len(draws)} draws"
    Console(width=140).print(_table(caught, set(chosen.values()), title))
    figures = {
        name: {
            "caught": round(found.mean, 4),
            "draws": [round(value, 4) for value in found.strangers],
            "set_review": round(float(np.mean(found.set_review)), 4),
            "set_caught": round(float(np.mean(found.set_strangers)), 4),
        }
        for name, found in caught.items()
    }
    print(json.dumps({"chosen": chosen, "scores": figures}))


def catch(draws: Sequence[Scores], review: float) -> Caught:
    """Return what a score catches in each draw."""
    rows = []
    for scores in draws:
        known, strangers = scores["known"], scores["strangers"]
        cut = np.quantile(known, review, method="higher")
        limit = floor_of(scores["held"], 1 - review)
        limit = -np.inf if limit is None else limit
        shares = (strangers < cut).mean(), (known < limit).mean(), (strangers < limit).mean()
        rows.append(tuple(map(float, shares)))
    return Caught(*zip(*rows, strict=True))


def choose(model: str, caught: Mapping[str, Caught]) -> str:
    """Return the score to take for versions that answer by a model.

    Candidates are those that such a version can compute: of an LLM's, also its hidden states and
    its agreement with others; of the linear model's, its texts.
    """
    names = [name for name in caught if _is_of(model, name.partition(":")[0])]
    plain = f"{model}: {PLAIN}"
    best = max(names, key=lambda name: caught[name].mean)
    within = [name for name in names if _is_within_noise(caught[name], caught[best])]
    simplest = next(iter(within), best)
    return simplest if caught[simplest].mean >= caught[plain].mean + WORTH else plain


def _is_of(model: str, source: str) -> bool:
    if model == "linear":
        return source in ("linear", "TF-IDF", "linear's logits")
    return source.startswith("hidden") or model in source.split(" + ")


def _is_within_noise(one: Caught, best: Caught) -> bool:
    """Whether a paired 95 % interval of what ``best`` catches more reaches zero."""
    more = np.subtract(best.strangers, one.strangers)
    if len(more) == 1:  # no spread is known
        return bool(more[0] <= 0)
    margin = t.ppf(0.975, len(more) - 1) * more.std(ddof=1) / np.sqrt(len(more))
    return bool(more.mean() <= margin)


def _table(caught: Mapping[str, Caught], chosen: set[str], title: str) -> Table:
    table = Table("score", "caught", "each draw", "held-out threshold: review, caught", title=title)
    for name, found in caught.items():
        each = " ".join(f"{value:.3f}" for value in found.strangers)
        by_held_out = f"{np.mean(found.set_review):.3f}, {np.mean(found.set_strangers):.3f}"
        style = "bold" if name in chosen else None
        table.add_row(name, f"{found.mean:.3f}", each, by_held_out, style=style)
    return table


if __name__ == "__main__":
    main()
