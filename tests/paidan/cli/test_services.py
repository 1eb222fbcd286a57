"""What commands need around them: database, home and settings are named where they fail."""

from pathlib import Path

import pytest

from tests.support.cli import Cli, write


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://someone:hidden@127.0.0.1:1/nowhere", "is it running"),
        ("mysql://localhost/x", "Paidan runs on postgresql:// and sqlite://"),
        ("not a url", "cannot be read"),
    ],
)
@pytest.mark.parametrize("command", [["status"], ["units", "list"], ["migrate"]])
def test_a_database_that_cannot_be_used_is_named_without_its_password(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str, message: str, command: list[str]
) -> None:
    monkeypatch.setenv("PAIDAN_DATABASE_URL", url)

    ran = cli(*command)

    assert ran.code == 1
    assert message in ran.err
    assert "hidden" not in ran.err
    assert "Traceback" not in ran.err


def test_a_server_without_tables_asks_for_migrate(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAIDAN_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")

    assert "run 'paidan migrate'" in cli("status").err
    assert cli("migrate").code == 0
    assert cli("status").code == 0


def test_a_home_that_cannot_be_written_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_the_way = write(tmp_path / "file", "x")
    for place in (in_the_way / "home", Path("/proc/paidan")):
        monkeypatch.setenv("PAIDAN_HOME", str(place))

        ran = cli("status")

        assert ran.code == 1
        assert str(place) in ran.err
        assert "PAIDAN_HOME" in ran.err


def test_settings_that_contradict_each_other_are_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAIDAN_CLAIM", "30")

    ran = cli("status")

    assert ran.code == 1
    assert "PAIDAN_HARD_LIMIT (45 s) must be less than PAIDAN_CLAIM (30 s)" in ran.err


def test_a_gpus_memory_is_taken_from_the_option_or_refused(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAIDAN_GPU_MEMORY", "")  # put back after the option has set it

    ran = cli("worker", "--cpu", "--gpu-memory", "plenty")

    assert ran.code == 1
    assert "PAIDAN_GPU_MEMORY" in ran.err


def test_migrate_may_be_the_first_command_of_all(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "not" / "there yet"
    monkeypatch.setenv("PAIDAN_HOME", str(home))

    ran = cli("migrate")

    assert (ran.code, ran.err) == (0, "")
    assert (home / "paidan.db").exists()
    assert "is at revision" in cli("migrate").out
