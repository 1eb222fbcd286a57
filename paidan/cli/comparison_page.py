"""A comparison of two versions as one page: everything in it, no script, nothing fetched."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from paidan.cli.options import hint_of_missing

if TYPE_CHECKING:
    from training.contrast.confusion import Confusion
    from training.contrast.contrast import Contrast
    from training.contrast.measures import Difference

_SHOWN = 15

# The policy forbids what the page does without: scripts, and whatever lies elsewhere.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 1100px;
  margin: 2em auto; padding: 0 1em; color: #222; }}
h1 {{ font-size: 1.4em; }} h2 {{ font-size: 1.15em; margin-top: 2em; }}
table {{ border-collapse: collapse; margin: .5em 0; }}
th, td {{ padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: left; }}
th {{ font-weight: 600; }} .n {{ text-align: right; font-variant-numeric: tabular-nums; }}
.good {{ color: #228833; }} .bad {{ color: #cc3311; }}
.plots, .lists {{ display: flex; flex-wrap: wrap; gap: 1.5em; }}
figure {{ margin: 0; }} figcaption {{ font-weight: 600; }}
svg {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def comparison_page(found: "Contrast", units: Mapping[str, str], source: str) -> str:
    """Return the page.

    Args:
        found: the comparison.
        units: code -> name.
        source: where the tickets are from.

    Raises:
        InputError: matplotlib is not installed.
    """
    with hint_of_missing("plot"):
        from training.contrast.plots import pictures

        drawn = pictures(found)
    first, second = map(escape, found.versions)
    body = [
        f"<p>First: <b>{first}</b>. Second: <b>{second}</b>.</p>",
        f"<p>{found.n:,} tickets in {found.groups:,} near-duplicate groups: {escape(source)}.</p>",
        _measures(found.differences),
        _outcomes(found),
        '<div class="plots">',
        *(
            f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>"
            for title, svg in drawn.items()
        ),
        "</div>",
        "<h2>Confused pairs</h2>",
        _pairs(found, units),
        "<h2>Units</h2>",
        _units(found, units),
    ]
    return _PAGE.format(title=f"{first} and {second}", body="\n".join(body))


def _measures(rows: "Sequence[Difference]") -> str:
    from training.contrast.measures import BETTER

    cells = []
    for one, sign in zip(rows, BETTER, strict=True):
        change, interval = "-", "-"
        if one.difference is not None and one.interval is not None:
            low, high = one.interval
            kind = _kind(sign * low, sign * high)
            change = f'<span class="{kind}">{one.difference:+.4f}</span>'
            interval = f"{low:+.4f} to {high:+.4f}"
        values = ["-" if value is None else f"{value:.4f}" for value in (one.first, one.second)]
        cells.append([escape(one.name), *values, change, interval])
    return _table(("measure", "first", "second", "change", "95 % interval, paired"), cells)


def _kind(low: float, high: float) -> str:
    """Return how a change is shown: beyond chance it is good or bad."""
    if min(low, high) > 0:
        return "good"
    return "bad" if max(low, high) < 0 else "unclear"


def _outcomes(found: "Contrast") -> str:
    both, first, second, neither = found.outcomes
    return (
        f"<p>Both right: {both:,}. First alone: {first:,}. Second alone: {second:,}. "
        f"Neither: {neither:,}.</p>"
    )


def _pairs(found: "Contrast", units: Mapping[str, str]) -> str:
    from training.contrast.confusion import most_changed, most_of

    lists = {
        "Changed most": most_changed(found.pairs, _SHOWN),
        "Most often by the first": most_of(found.pairs, 0, _SHOWN),
        "Most often by the second": most_of(found.pairs, 1, _SHOWN),
    }
    parts = [
        f"<div><h3>{title}</h3>{_pair_table(pairs, units)}</div>" for title, pairs in lists.items()
    ]
    return f'<div class="lists">{"".join(parts)}</div>'


def _pair_table(pairs: "Iterable[Confusion]", units: Mapping[str, str]) -> str:
    cells = [
        [
            escape(f"{_name(pair.unit, units)} → {_name(pair.answer, units)}"),
            f"{pair.first:,}",
            f"{pair.second:,}",
        ]
        for pair in pairs
    ]
    return _table(("right unit → answer", "first", "second"), cells) if cells else "<p>None.</p>"


def _name(code: str, units: Mapping[str, str]) -> str:
    return units.get(code, code) or "no learned unit"


def _units(found: "Contrast", units: Mapping[str, str]) -> str:
    cells = []
    for code in found.units:
        scores = [report.per_unit.get(code) for report in found.reports]
        support = max(one.support for one in scores if one)
        f1 = [one.f1 if one else 0.0 for one in scores]
        recall = [one.recall if one else 0.0 for one in scores]
        numbers = [f"{value:.3f}" for value in (*recall, *f1)]
        cells.append(
            [escape(_name(code, units)), f"{support:,}", *numbers, f"{f1[1] - f1[0]:+.3f}"]
        )
    titles = ("unit", "tickets", "recall first", "second", "F1 first", "second", "change")
    return _table(titles, cells)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are HTML, all but the first of a row are numbers."""
    head = "".join(
        f'<th class="n">{escape(title)}</th>' if place else f"<th>{escape(title)}</th>"
        for place, title in enumerate(titles)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="n">{cell}</td>' if place else f"<td>{cell}</td>"
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
