"""A demo's folder: its own, or none."""

from pathlib import Path

import pytest

from core.errors import InputError
from db import taxonomy
from paidan.demo.home import empty_home, import_units, prepare, settings_for
from paidan.demo.world import NEW_UNIT
from paidan.embedded.stack import EmbeddedStack
from tests.support.launched import run_paidan


def test_the_demo_refuses_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    ran = run_paidan(tmp_path / "home", "demo", "--home", str(tmp_path))

    assert ran.returncode == 1
    assert "name another --home" in ran.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_an_earlier_demos_folder_is_emptied(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    empty_home(home)
    (home / "paidan.db").write_text("of before")

    empty_home(home)

    assert [path.name for path in home.iterdir()] == [".paidan-demo"]


def test_a_folder_with_other_things_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(InputError, match="name another --home"):
        empty_home(tmp_path)

    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_demo_begins_without_the_unit_that_comes_later(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    demo = prepare(EmbeddedStack(settings), training_tickets=30)

    def units() -> set[str]:
        with demo.database.reading() as session:
            return {unit.code for unit in taxonomy.list_units(session, active_only=True)}

    at_first = units()
    import_units(demo.database, {NEW_UNIT})
    later = units()
    demo.database.engine.dispose()
    assert len(at_first) == 69
    assert later - at_first == {NEW_UNIT}
    assert len(demo.seed) == 30
    assert {sample.unit for sample in demo.seed} <= at_first
