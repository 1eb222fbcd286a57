"""The database's URL: one reading or a clear refusal, never its password."""

from pathlib import Path
from urllib.parse import quote

import pytest

from core.database_url import parse_database_url
from core.errors import SettingsError, StorageError
from core.settings import Settings, load_settings
from db import Database
from db.schema import check_schema, migrate
from tests.support.cli import Cli, write

SECRET = "s3cret"
HOMES = ["热线 #1", "a?b/paidan", "50%25off", "50%off", "x@y:z", "trailing "]


@pytest.mark.parametrize(
    ("url", "password", "host", "name"),
    [
        ("postgresql://u:pw@h:5432/db", "pw", "h", "db"),
        ("postgres://u:p%40ss@h/db", "p@ss", "h", "db"),
        ("postgresql://u:p@ss:w/o@h:5432/db", "p@ss:w/o", "h", "db"),
        ("postgresql://u:p#r?d%1[x]@h:5432/db", "p#r?d%1[x]", "h", "db"),
        ("postgresql://u:p%40/x@h/db", "p@/x", "h", "db"),
        ("postgresql+psycopg://u:p@[::1]:5432/db?sslmode=require", "p", "::1", "db"),
        ("postgresql:///db?host=/run/postgresql", None, None, "db"),
        ("postgresql://%2Frun%2Fpostgresql/db", None, None, "db"),
        ("postgresql:///?service=hotline", None, None, None),
        ("postgresql://h/db?options=-csearch_path%3Dhotline", None, "h", "db"),
    ],
)
def test_a_servers_url_has_one_reading(
    url: str, password: str | None, host: str | None, name: str | None
) -> None:
    read = parse_database_url(url)

    assert (read.password, read.host, read.database) == (password, host, name)
    assert parse_database_url(Settings(database_url=url).resolved_database_url) == read


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:s3cret@h:5432/db?pool_size=5", "pool_size cannot be set in it"),
        ("postgresql://u:s3cret@h:54x2/db", "it cannot be read"),
        ("postgresql://u:s3cret@h:70000/db", "its port 70000 is none"),
        ("postgresql://u:s3cret@x%40y@h/db", "more than one way: percent-encode"),
        ("postgresql://u:s3cret@h/db?host=/a@h2", None),
        ("u:s3cret@h/db", "it cannot be read"),
        ("u:s3cret://x@h/db", "another database"),
        ("mysql://u:s3cret@h/db", "Paidan runs on postgresql:// and sqlite://"),
        ("postgresql+psycopg2://u:s3cret@h/db", "Paidan runs on postgresql:// and sqlite://"),
        ("sqlite://u:s3cret@h/db", "names a file by its path alone"),
        ("sqlite://", "each process' own"),
        ("sqlite:///:memory:", "each process' own"),
        ("sqlite:////tmp/x.db?mode=memory", "each process' own"),
        ("sqlite:////tmp/x.db?pool_size=5", "pool_size cannot be set in it"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_in_one_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, told: str | None
) -> None:
    monkeypatch.setenv("PAIDAN_DATABASE_URL", url)
    if told is None:  # the rules' reading goes before a guess
        assert load_settings().resolved_database_url.endswith("?host=%2Fa%40h2")
        return

    with pytest.raises(SettingsError) as refused:
        load_settings()

    said = str(refused.value)
    assert said.startswith("settings: PAIDAN_DATABASE_URL: ")
    assert told in said
    assert "\n" not in said
    assert SECRET not in said + repr(refused.value.__cause__)


@pytest.mark.parametrize("home", HOMES)
def test_the_embedded_database_lies_in_its_home_whatever_that_is_called(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    monkeypatch.setenv("PAIDAN_HOME", str(tmp_path / home))

    ran = cli("push", write(tmp_path / "t.csv", "text\n路灯坏了\n"))

    assert ran.code == 0, ran.err
    assert (tmp_path / home / "paidan.db").is_file()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["t.csv"]


@pytest.mark.parametrize("folder", ["热线 #1", "a?b", "50%off"])
@pytest.mark.parametrize("encode", [str, quote])
def test_a_sqlite_url_names_its_file_encoded_or_not(
    tmp_path: Path, folder: str, encode: "type[str]"
) -> None:
    (tmp_path / folder).mkdir()

    migrate(Database(f"sqlite:///{encode(str(tmp_path / folder / 'x.db'))}"))

    assert (tmp_path / folder / "x.db").is_file()


def test_mode_ro_is_heeded(tmp_path: Path) -> None:
    path = tmp_path / "没有.db"

    with pytest.raises(StorageError, match="unable to open"):
        check_schema(Database(f"sqlite:///{path}?mode=ro"))

    assert not path.exists()


def test_a_socket_may_be_named_in_the_hosts_place() -> None:
    read = parse_database_url("postgresql://u@%2Frun%2Fpostgresql/db")

    assert read.query["host"] == "/run/postgresql"
