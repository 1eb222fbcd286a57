"""The house: tests stand under the name of what they test, and what documents name is there."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from bench.measure import ROOMS, ROOT, product_files
from core import logging

DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
)
TOP = (*ROOMS, "bench", "docs", "tests")
# In code style: `db/claims.py`, `tests/whole/`, `docs/*.md`; or the target of a link.
NAMED = re.compile(rf"`((?:{'|'.join(TOP)})/[^`\s]*)`|\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")
MODULE = re.compile(rf"-m ((?:{'|'.join(TOP)})[\w.]*)")


def parts_of(package: Path) -> list[str]:
    """The names of a package's files and folders."""
    files = [path.stem for path in package.glob("*.py") if not path.stem.startswith("__")]
    return files + [path.parent.name for path in package.glob("*/__init__.py")]


PACKAGES = sorted(
    path.parent.relative_to(ROOT).as_posix()
    for room in ROOMS
    for path in (ROOT / room).rglob("__init__.py")
    if "migrations" not in path.parts
)


def test_the_tests_of_a_file_are_found_by_its_name() -> None:
    alone = []
    for path in product_files():
        name = path.relative_to(ROOT)
        if path.stem.startswith("__") or "migrations" in name.parts:
            continue
        folder = ROOT / "tests" / name.parent
        tests = [folder / f"test_{path.stem}.py", *folder.glob(f"test_{path.stem}_*.py")]
        if not any(test.is_file() for test in tests):
            alone.append(name.as_posix())

    assert alone == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_tells_what_its_files_are_for(package: str) -> None:
    told = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text("utf-8"))) or ""
    words = set(re.findall(r"\w+", " ".join(re.findall(r"``([^`]+)``", told))))

    assert [name for name in parts_of(ROOT / package) if name not in words] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_names_is_there(document: str) -> None:
    content = (ROOT / document).read_text("utf-8")
    missing = []
    for named, linked in NAMED.findall(content):
        base = ROOT if named else (ROOT / document).parent
        path = (named or linked).split("::")[0]
        if re.search("http|[…<]", path):
            continue
        if not (base / path).exists() and not list(base.glob(path)):
            missing.append(path)
    for module in MODULE.findall(content):
        path = ROOT.joinpath(*module.rstrip(".").split("."))
        if not (path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()):
            missing.append(module)

    assert missing == []


def test_every_room_is_known_wherever_rooms_are_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    tools = project["tool"]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    contracts = json.dumps(tools["importlinter"]["contracts"])

    assert set(ROOMS) == set(tools["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert set(ROOMS) <= set(tools["mypy"]["packages"])
    assert set(ROOMS) <= set(tools["importlinter"]["root_packages"])
    assert {line.removeprefix("!") for line in ignored} >= set(ROOMS)
    assert [room for room in ROOMS if room not in contracts] == []
    assert set(ROOMS) <= logging._OURS
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == {*ROOMS, "bench", "tests"}
