"""The house's figures: what counts as a line, an annotation and an upward arrow."""

import ast
import textwrap

import pytest

from bench.measure import _is_annotated, count_arrows, is_upward, measure_sizes


def function(code: str) -> ast.FunctionDef:
    [node] = ast.parse(textwrap.dedent(code)).body
    assert isinstance(node, ast.FunctionDef)
    return node


@pytest.mark.parametrize(
    ("code", "annotated"),
    [
        ("def f(a: int, *b: int, c: int = 0, **d: int) -> None: ...", True),
        ("def f(self, a: int) -> None: ...", True),
        ("def f(a) -> None: ...", False),
        ("def f(*a) -> None: ...", False),
        ("def f(*, a) -> None: ...", False),
        ("def f(a: int): ...", False),
    ],
)
def test_a_function_is_annotated_whole_or_not(code: str, annotated: bool) -> None:
    assert _is_annotated(function(code)) is annotated


@pytest.mark.parametrize(
    ("importing", "imported", "upward"),
    [
        ("worker", "core", False),
        ("paidan.cli", "worker", False),
        ("core", "db", True),
        ("classifier.engine", "registry", True),
        ("worker", "producer", True),
        ("db", "classifier.model", True),
        ("classifier.engine", "classifier.model", False),
    ],
)
def test_an_arrow_is_upward_where_the_layers_forbid_it(
    importing: str, imported: str, upward: bool
) -> None:
    assert is_upward(importing, imported) is upward


def test_the_products_files_and_arrows_are_found() -> None:
    sizes = measure_sizes()
    named = {part.name for part in sizes.files}

    assert {"core/errors.py", "worker/loop.py", "db/migrations/env.py"} & named == {
        "core/errors.py",
        "worker/loop.py",
    }
    assert ("registry", "db") in count_arrows()
