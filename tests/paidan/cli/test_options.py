"""Options that several commands share: wrong usage, hints, JSON."""

import sys
from pathlib import Path

import pytest

from core.errors import InputError, StorageError
from core.settings import Settings
from core.whole import replacing
from paidan.cli.options import explained, hint_of_missing, look_for, opened_database, print_json
from tests.support.cli import Cli, write
from tests.support.full_disk import files_up_to


def test_wrong_usage_has_its_own_exit_code(cli: Cli) -> None:
    assert cli("push").code == 2
    assert cli("nonsense").code == 2
    assert cli("push", "f.csv", "--column", "text").code == 2
    assert cli("push", "f.csv", "--column", "body=x").code == 1
    assert cli("--version").out.startswith("paidan, version")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "李" * 201])
def test_a_name_of_a_person_that_the_record_cannot_hold_is_wrong_usage(cli: Cli, name: str) -> None:
    assert cli("dead", "requeue", "--all", "--by", name).code == 2


def test_a_missing_library_is_told_with_the_extra_that_brings_it() -> None:
    told = r"needs torch.*pip install 'paidan\[ml\]'"
    with pytest.raises(InputError, match=told), hint_of_missing("ml"):
        raise ModuleNotFoundError(name="torch")


def test_a_library_is_missed_without_importing_those_that_are_there() -> None:
    before = set(sys.modules)

    with pytest.raises(ModuleNotFoundError) as missed:
        look_for("this", "nothing_of_this_name", "torch")

    assert missed.value.name == "nothing_of_this_name"
    assert set(sys.modules) == before


def test_a_database_is_closed_behind_its_block(settings: Settings) -> None:
    with opened_database(settings) as database:
        with database.reading():
            pass
        pool = database.engine.pool

    assert database.engine.pool is not pool


def test_json_is_one_line_with_characters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"unit": "甲局"})

    assert capsys.readouterr().out == '{"unit": "甲局"}\n'


@pytest.mark.parametrize("name", ["\udcff", "a\x1b[2J", "x" * 99_999, "..", ""])
@pytest.mark.parametrize(
    "command",
    [
        ("models", "show"),
        ("models", "promote"),
        ("models", "calibrations"),
        ("shadow", "start"),
        ("shadow", "list"),
        ("recalibrate",),
    ],
)
def test_a_name_that_no_version_has_is_told_in_short_words_of_text(
    cli: Cli, home: Path, command: tuple[str, ...], name: str
) -> None:
    assert home

    ran = cli(*command, name)

    [line] = ran.err.splitlines() if name or command != ("shadow", "list") else [""]
    assert line.isprintable()
    assert len(line) < 500
    if line:
        assert (ran.code, "is registered (there are: none yet: train one" in line) == (1, True)


def test_a_full_disk_is_told_with_its_cure_and_leaves_the_file_before(tmp_path: Path) -> None:
    page = write(tmp_path / "page.html", "of yesterday")
    told = r"page\.html cannot be written: File too large; free space there, or name another file"

    full = files_up_to(9), pytest.raises(StorageError, match=told)
    with full[0], full[1], explained(page), replacing(page) as unfinished:
        unfinished.write_text("of today, and longer")

    assert page.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize("share", ["nan", "NaN", "inf", "-0.1", "1.1", "x"])
def test_a_share_is_a_number_from_0_to_1(cli: Cli, share: str) -> None:
    for command in (
        ("runs", "start", "--error-target", share),
        ("runs", "start", "--no-unit-review", share),
        ("shadow", "start", "v", "--share", share),
    ):
        ran = cli(*command)

        assert ran.code == 2
        assert f"Invalid value for '{command[-2]}'" in ran.err
