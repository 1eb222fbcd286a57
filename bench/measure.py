"""The house in figures: sizes of files, functions and classes, and the arrows between folders.

    python -m bench.measure        (make measure)

Product code only, migrations left out. A function's lines run from its ``def`` to its end, a class'
from ``class``; a decorator is no line of either. An arrow goes from a folder whose file imports to
the folder that is imported; it goes upward where the layers of ``pyproject.toml`` forbid it. A
table, then one line of JSON; exit code 1 where a limit is not kept.
"""

import ast
import json
import statistics
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grimp
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "db", "classifier", "registry", "producer", "worker", "training", "paidan")
_OMITTED = ("db/migrations/",)

_FILE_MEDIAN, _FILE_LONGEST = 120, 400
_SHORT_FUNCTION, _SHORT_SHARE, _FUNCTION_LONGEST = 25, 0.9, 50
_CLASS_LONGEST = 200

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A file, function or class, and how many lines it has."""

    lines: int
    name: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """The parts of the product's code, and which functions lack an annotation."""

    files: Sequence[Part]
    functions: Sequence[Part]
    classes: Sequence[Part]
    unannotated: Sequence[str]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, its limit, and whether it keeps to it."""

    what: str
    value: float
    limit: str
    is_kept: bool
    example: str = ""


def main() -> None:
    """Measure, print the table and the JSON line."""
    sizes = measure_sizes()
    arrows = count_arrows()
    upward = [f"{a} -> {b}" for a, b in arrows if is_upward(a, b)]
    figures = [
        *_figures(sizes),
        _none("arrows upward", upward),
        _none("functions without annotations", sizes.unannotated),
    ]
    console = Console(width=120)
    console.print(_table(figures))
    console.print(_arrow_table(arrows))
    print(json.dumps(_json(figures, arrows)))
    sys.exit(not all(figure.is_kept for figure in figures))


def measure_sizes() -> Sizes:
    """Read the product's code."""
    files, functions, classes, unannotated = [], [], [], []
    for path in product_files():
        name = path.relative_to(ROOT).as_posix()
        content = path.read_text("utf-8")
        files.append(Part(len(content.splitlines()), name))
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.ClassDef):
                classes.append(_part(name, node))
            elif isinstance(node, Function):
                functions.append(_part(name, node))
                if not _is_annotated(node):
                    unannotated.append(f"{name}:{node.lineno} {node.name}")
    return Sizes(sorted(files), sorted(functions), sorted(classes), unannotated)


def product_files() -> Iterator[Path]:
    """Yield the files of the product's code, migrations left out."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not path.relative_to(ROOT).as_posix().startswith(_OMITTED):
                yield path


def _part(file: str, node: ast.ClassDef | Function) -> Part:
    return Part((node.end_lineno or node.lineno) - node.lineno + 1, f"{file} {node.name}")


def _is_annotated(node: Function) -> bool:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    if named and named[0].arg in ("self", "cls"):
        named = named[1:]
    return node.returns is not None and all(one.annotation for one in (*named, *starred))


def count_arrows() -> Counter[tuple[str, str]]:
    """Return (importing folder, imported folder) -> how many imports between their files."""
    graph = grimp.build_graph(*ROOMS)
    arrows: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = _folder(module), _folder(imported)
            if pair[0] != pair[1]:
                arrows[pair] += 1
    return arrows


def _folder(module: str) -> str:
    path = ROOT.joinpath(*module.split("."))
    return module if path.is_dir() else module.rpartition(".")[0]


def is_upward(importing: str, imported: str) -> bool:
    """Whether an arrow between two folders is one that the layers forbid."""
    level = _levels()
    above, below = (name.partition(".")[0] for name in (importing, imported))
    return above != below and level[below] >= level[above]


def _levels() -> dict[str, int]:
    """Return the level of each room, the lowest 0; rooms side by side have the same."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    [layers] = (c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    return {
        room.strip(): level
        for level, rooms in enumerate(reversed(layers["layers"]))
        for room in rooms.replace(":", "|").split("|")
    }


def _figures(sizes: Sizes) -> list[Figure]:
    short = sum(part.lines <= _SHORT_FUNCTION for part in sizes.functions)
    share = short / len(sizes.functions)
    median = statistics.median(part.lines for part in sizes.files)
    return [
        Figure("files, median lines", median, f"<= {_FILE_MEDIAN}", median <= _FILE_MEDIAN),
        _longest("files", sizes.files, _FILE_LONGEST),
        Figure(
            f"functions of {_SHORT_FUNCTION} lines or fewer",
            round(share, 4),
            f">= {_SHORT_SHARE}",
            share >= _SHORT_SHARE,
        ),
        _longest("functions", sizes.functions, _FUNCTION_LONGEST),
        _longest("classes", sizes.classes, _CLASS_LONGEST),
    ]


def _longest(what: str, parts: Sequence[Part], limit: int) -> Figure:
    longest = parts[-1]
    is_kept = longest.lines <= limit
    title = f"{what} ({len(parts):,}), longest"
    return Figure(title, longest.lines, f"<= {limit}", is_kept, longest.name)


def _none(what: str, found: Sequence[str]) -> Figure:
    return Figure(what, len(found), "0", not found, "; ".join(found[:3]))


def _table(figures: Sequence[Figure]) -> Table:
    table = Table("what", "value", "limit", "", "which", title="product code, without migrations")
    for figure in figures:
        kept = "kept" if figure.is_kept else "NOT KEPT"
        table.add_row(figure.what, f"{figure.value:,}", figure.limit, kept, figure.example)
    return table


def _arrow_table(arrows: Counter[tuple[str, str]]) -> Table:
    table = Table("folder", "imports (how many times)", title="arrows between folders")
    for folder in sorted({importing for importing, _ in arrows}):
        targets = sorted((b, count) for (a, b), count in arrows.items() if a == folder)
        table.add_row(folder, ", ".join(f"{b} {count}" for b, count in targets))
    return table


def _json(figures: Sequence[Figure], arrows: Counter[tuple[str, str]]) -> dict[str, Any]:
    return {figure.what: figure.value for figure in figures} | {
        "arrows": len(arrows),
        "kept": all(figure.is_kept for figure in figures),
    }


if __name__ == "__main__":
    main()
