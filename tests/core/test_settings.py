"""Settings: read from the environment, checked together, and passed on to child processes."""

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import Settings, load_settings


def refused(monkeypatch: pytest.MonkeyPatch, **variables: object) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(f"PAIDAN_{name.upper()}", str(value))
    with pytest.raises(SettingsError) as error:
        load_settings()
    return str(error.value)


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        ("task_loop", "hard_limit"),
        ("hard_limit", "claim"),
        ("claim", "visibility"),
        ("task_loop", "stop_grace"),
    ],
)
@pytest.mark.parametrize("by", [0, 1])
def test_times_out_of_order_are_refused_with_both_variables(
    monkeypatch: pytest.MonkeyPatch, shorter: str, longer: str, by: int
) -> None:
    times = {"task_loop": 15, "hard_limit": 45, "claim": 60, "visibility": 90, "stop_grace": 30}
    times[longer] = times[shorter] - by

    message = refused(monkeypatch, **{longer: times[longer]})

    assert f"PAIDAN_{shorter.upper()} ({times[shorter]} s) must be less than" in message
    assert f"PAIDAN_{longer.upper()} ({times[longer]} s)" in message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task_loop", "-1"),
        ("claim", "soon"),
        ("relay_sweep", "0"),
        ("message_ids", "0"),
        ("message_ids", "20000"),
        ("max_attempts", "1.5"),
        ("max_ticket_chars", "99"),
        ("review_sample", "1.01"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../etc/passwd"),
    ],
)
def test_a_bad_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, field: str, value: str
) -> None:
    assert f"PAIDAN_{field.upper()}: " in refused(monkeypatch, **{field: value})


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, claim="soon", message_ids=0)

    assert "PAIDAN_CLAIM: " in message
    assert "PAIDAN_MESSAGE_IDS: " in message


def test_values_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_TASK_LOOP", "2.5")
    monkeypatch.setenv("PAIDAN_TIMEZONE", "Europe/Berlin")

    settings = load_settings()

    assert (settings.task_loop, settings.timezone) == (2.5, "Europe/Berlin")


@pytest.mark.parametrize("field", ["home", "models_dir", "database_url", "redis_url", "claim"])
def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    monkeypatch.setenv(f"PAIDAN_{field.upper()}", "")

    assert getattr(load_settings(), field) == Settings.model_fields[field].default


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().claim = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (
            "postgres://u:p@h:5432/d?sslmode=require",
            "postgresql+psycopg://u:p@h:5432/d?sslmode=require",
        ),
        ("postgresql://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
    ],
)
def test_postgresql_is_always_reached_through_psycopg(given: str, used: str) -> None:
    assert Settings(database_url=given).resolved_database_url == used


def test_defaults_lie_under_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/paidan.db"
    assert str(settings.redis_address) == f"unix://{tmp_path}/redis.sock"
    assert settings.resolved_models_dir == tmp_path / "models"


def test_a_relative_home_is_resolved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert Settings(home=Path("var")).resolved_home == tmp_path / "var"


def test_a_long_home_gives_a_short_socket_path_of_its_own(tmp_path: Path) -> None:
    one, other = (tmp_path / ("长" * 60) / name for name in ("one", "other"))

    socket = Settings(home=one).embedded_socket

    assert len(str(socket).encode()) <= 100
    assert socket == Settings(home=one).embedded_socket
    assert socket != Settings(home=other).embedded_socket


def test_a_child_process_gets_the_very_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(
        home=tmp_path / "家 home",
        database_url="postgresql://u:p%40ss@h/d",
        rules_file=tmp_path / "rules.toml",
        task_loop=0.1,
        review_sample=1e-07,
        message_ids=7,
        timezone="UTC",
    )

    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)

    assert load_settings() == settings


def test_a_child_process_elsewhere_finds_the_same_paths(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(home=Path("h"), models_dir=Path("m"), rules_file=Path("r.toml"))
    environment = settings.as_environment()

    monkeypatch.chdir("/")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    child = load_settings()

    assert child.resolved_home == tmp_path / "h"
    assert child.resolved_models_dir == tmp_path / "m"
    assert child.rules_file == tmp_path / "r.toml"
